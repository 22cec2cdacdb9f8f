// Decode worker: decodes, mixes down and resamples in a worker thread, so that a decoder that traps cannot end the process.
import { type ByteSource, memorySource } from "../base/byte-source.ts";
import { fileSource } from "../base/files.node.ts";
import { type Handed, type JobContext, serveJobs } from "../base/worker-pool.node.ts";
import type { AudioReader } from "./audio-reader.ts";
import { checkNotEmpty, decodePieces, decodeReader, sampleRange } from "./decode.ts";
import type { DecodedPart, DecodeJob, DecodeResult } from "./decode-job.ts";
import { loadPieces, loadReader } from "./load.ts";
import { withAudio } from "./open.node.ts";

// The WASM packages log errors that are reported as mends.
console.error = () => {};

type Context = JobContext<DecodedPart>;

serveJobs<DecodeJob, DecodeResult, DecodedPart>(async (job, cx) => {
  const source = "path" in job.input ? await fileSource(job.input.path) : memorySource(job.input.bytes, job.input.name);
  try {
    return await withAudio(source, "path" in job.input ? job.input.path : undefined, async (reader) => {
      if (job.task === "load") return load(reader, source, job, cx);
      if (job.task === "stream") return stream(reader, source, job, cx);
      if (job.task === "loadStream") return loadStream(reader, source, job, cx);
      const { channels } = await decodeReader(reader, source.name, job.crop, cx.alive);
      return handed(reader, channels, channels[0]?.length ?? 0);
    });
  } finally {
    await source.close();
  }
});

async function load(
  reader: AudioReader,
  source: ByteSource,
  job: DecodeJob & { task: "load" | "loadStream" },
  cx: Context,
): Promise<Handed<DecodeResult>> {
  const { samples, sourceSamples } = await loadReader(reader, source.name, { ...job.crop, sampleRateHz: job.sampleRateHz }, cx.alive);
  return handed(reader, [samples], sourceSamples);
}

async function loadStream(
  reader: AudioReader,
  source: ByteSource,
  { crop, sampleRateHz }: DecodeJob & { task: "load" | "loadStream" },
  cx: Context,
): Promise<Handed<DecodeResult>> {
  let sourceSamples = 0;
  const count = (samples: number) => {
    sourceSamples += samples;
  };
  for await (const block of inBlocks(loadPieces(reader, source.name, { ...crop, sampleRateHz }, count))) {
    const channels = [block];
    if (!(await cx.emit({ sampleRateHz, channels }, buffersOf(channels)))) break;
  }
  return handed(reader, [], sourceSamples);
}

/** Samples of a part that is sent to the main thread: 5.5 s at 24 kHz. Decoders give pieces of 20 ms to a few seconds, and
 *  every message needs an answer of the main thread. */
const blockSamples = 2 ** 17;

/** The same samples in blocks of `blockSamples`, each in a buffer of its own; the last may be shorter. */
async function* inBlocks(pieces: AsyncIterable<Float32Array>): AsyncGenerator<Float32Array> {
  let block = new Float32Array(blockSamples);
  let filled = 0;
  for await (const piece of pieces) {
    for (let from = 0; from < piece.length; ) {
      const count = Math.min(piece.length - from, blockSamples - filled);
      block.set(piece.subarray(from, from + count), filled);
      from += count;
      filled += count;
      if (filled < blockSamples) continue;
      yield block;
      block = new Float32Array(blockSamples);
      filled = 0;
    }
  }
  if (filled > 0) yield block.slice(0, filled);
}

async function stream(reader: AudioReader, source: ByteSource, job: DecodeJob, cx: Context): Promise<Handed<DecodeResult>> {
  const range = sampleRange(job.crop, reader.sampleRateHz);
  let samples = 0;
  for await (const piece of decodePieces(reader, source.name, range)) {
    samples += piece[0]?.length ?? 0;
    const channels = piece.map(ownBuffer);
    const part = { sampleRateHz: reader.sampleRateHz, channels };
    if (!(await cx.emit(part, buffersOf(channels)))) break;
  }
  checkNotEmpty(samples, range, reader, source.name);
  return handed(reader, [], samples);
}

function handed(reader: AudioReader, channels: Float32Array[], sourceSamples: number): Handed<DecodeResult> {
  const { format, sampleRateHz, mends } = reader;
  const own = channels.map(ownBuffer);
  const source = { sourceSampleRateHz: sampleRateHz, sourceChannels: reader.channels, sourceSamples };
  return { value: { format, ...source, channels: own, mends }, transfer: buffersOf(own) };
}

/** Copies a view that covers only part of its buffer: buffers are transferred as a whole. */
function ownBuffer(samples: Float32Array): Float32Array {
  return samples.byteLength === samples.buffer.byteLength ? samples : samples.slice();
}

function buffersOf(channels: readonly Float32Array[]): ArrayBuffer[] {
  return [...new Set(channels.map((channel) => channel.buffer as ArrayBuffer))];
}
