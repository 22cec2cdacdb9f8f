// Decode worker: decodes, mixes down and resamples in its own thread, where a decoder that traps does no harm.
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ByteSource, memorySource } from "../base/byte-source.ts";
import { fileSource } from "../base/files.node.ts";
import { type Handed, type JobContext, serveJobs } from "../base/worker-pool.node.ts";
import type { AudioReader } from "./audio-reader.ts";
import { checkNotEmpty, decodePieces, decodeReader, openAudio, sampleRange } from "./decode.ts";
import type { AudioInput, DecodedPart, DecodeJob, DecodeResult } from "./decode-job.ts";
import { openFfmpeg } from "./ffmpeg.node.ts";
import { loadReader } from "./load.ts";

// The WASM packages log what is reported here as mends.
console.error = () => {};

type Context = JobContext<DecodedPart>;

serveJobs<DecodeJob, DecodeResult, DecodedPart>(async (job, cx) => {
  const source = "path" in job.input ? await fileSource(job.input.path) : memorySource(job.input.bytes, job.input.name);
  let temporary: string | undefined;
  try {
    const reader = await openAudio(source, {
      fallback: async (format, refusal) => {
        if ("path" in job.input) return openFfmpeg(job.input.path, format, { refusal });
        temporary = await temporaryCopy(job.input);
        return openFfmpeg(temporary, format, { refusal, name: job.input.name });
      },
    });
    if (job.task === "load") return await load(reader, source, job, cx);
    if (job.task === "stream") return await stream(reader, source, job, cx);
    const { channels } = await decodeReader(reader, source.name, job.crop, cx.alive);
    return handed(reader, channels, channels[0]?.length ?? 0);
  } finally {
    await source.close();
    if (temporary !== undefined) await rm(temporary, { force: true });
  }
});

/** ffmpeg reads files: some formats can't be decoded from a pipe. */
async function temporaryCopy(input: AudioInput & { bytes: Uint8Array }): Promise<string> {
  const path = join(tmpdir(), `ostinato-${randomUUID()}`);
  await writeFile(path, input.bytes);
  return path;
}

async function load(
  reader: AudioReader,
  source: ByteSource,
  job: DecodeJob & { task: "load" },
  cx: Context,
): Promise<Handed<DecodeResult>> {
  const { samples, sourceSamples } = await loadReader(reader, source.name, { ...job.crop, sampleRateHz: job.sampleRateHz }, cx.alive);
  return handed(reader, [samples], sourceSamples);
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

/** A view of part of a buffer can't be moved to another thread without the rest. */
function ownBuffer(samples: Float32Array): Float32Array {
  return samples.byteLength === samples.buffer.byteLength ? samples : samples.slice();
}

function buffersOf(channels: readonly Float32Array[]): ArrayBuffer[] {
  return [...new Set(channels.map((channel) => channel.buffer as ArrayBuffer))];
}
