// FLAC: frames are verified here and decoded by libFLAC. Excerpts are found by seeking and are exact.
import { FLACDecoder } from "@wasm-audio-decoders/flac";
import type { ByteSource } from "../base/byte-source.ts";
import { type AudioReader, cutToRange, type SampleRange } from "./audio-reader.ts";
import { inSeconds, UnreadableAudioError } from "./faults.ts";
import { type FlacFrame, type FlacInfo, type FlacWalkReport, readFlacInfo, walkFlac } from "./flac-frames.ts";
import { silenceBudget } from "./silence.ts";
import { afterId3 } from "./sniff.ts";

/** Below this many bytes, reading frame by frame is faster than another step of the binary search. */
const searchBytes = 1 << 19;

/** The position of a frame: its byte offset in the file and its first sample. */
interface Place {
  readonly at: number;
  readonly firstSample: number;
}

/** Opens a FLAC file. Damaged frames are replaced by silence of their length, so that later samples keep their position.
 *  @throws UnreadableAudioError when its metadata is corrupt. */
export async function openFlac(source: ByteSource): Promise<AudioReader> {
  const info = await readFlacInfo(source, await afterId3(source));
  const mends: string[] = [];
  return {
    format: "flac",
    sampleRateHz: info.sampleRateHz,
    channels: info.channels,
    samples: info.samples || undefined,
    mends,
    async *read(range) {
      const origin = await findOrigin(source, info);
      const from = await findFrame(source, info, origin, range.start);
      const wanted = { start: origin.firstSample + range.start, end: origin.firstSample + range.end };
      yield* cutToRange(decodeFrom(source, info, from, wanted, mends), from.firstSample - origin.firstSample, range);
    },
  };
}

/** Where the audio begins. A stream whose length is known begins at sample 0, even if the frames there are damaged; one cut from
 *  a broadcast begins at its first frame.
 *  @throws UnreadableAudioError when no frame is intact. */
async function findOrigin(source: ByteSource, info: FlacInfo): Promise<Place> {
  const first = await nextFrame(source, info, info.firstFrame);
  if (first === undefined) {
    throw new UnreadableAudioError(
      "corrupt",
      `${source.name} is FLAC without one intact frame: it is cut short or corrupt. Fetch it again.`,
    );
  }
  return { at: info.firstFrame, firstSample: info.samples > 0 ? 0 : first.firstSample };
}

/** The first intact frame at or after a byte offset. */
async function nextFrame(source: ByteSource, info: FlacInfo, at: number): Promise<Place | undefined> {
  for await (const frames of walkFlac(source, at, info, { skippedBytes: 0, cutFrame: false }, 0)) return frames[0];
  return undefined;
}

/** A frame that begins at or before the wanted sample, found by binary search over the file. */
async function findFrame(source: ByteSource, info: FlacInfo, origin: Place, wanted: number): Promise<Place> {
  let low = origin;
  let high = wanted > 0 ? source.size : low.at;
  while (high - low.at > searchBytes) {
    const middle = Math.floor((low.at + high) / 2);
    const frame = await nextFrame(source, info, middle);
    if (frame !== undefined && frame.firstSample - origin.firstSample <= wanted && frame.at < high) low = frame;
    else high = middle;
  }
  return low;
}

/** All samples from a frame on; what was damaged is added to `mends`. Frames without any wanted sample are not decoded; silence takes their place. */
async function* decodeFrom(
  source: ByteSource,
  info: FlacInfo,
  from: Place,
  wanted: SampleRange,
  mends: string[],
): AsyncGenerator<Float32Array[]> {
  let decoder = await newDecoder();
  const report: FlacWalkReport = { skippedBytes: 0, cutFrame: false };
  const budget = silenceBudget(info);
  let position = from.firstSample;
  let silenced = 0;
  let dropped = 0;
  try {
    for await (const frames of walkFlac(source, from.at, info, report)) {
      const start = position;
      const placed: { at: number; channels: Float32Array[] }[] = [];
      for (const frame of frames) {
        const gap = frame.firstSample - position;
        if (gap < 0 || !budget.take(gap)) {
          dropped++; // its number is out of order or implausibly far ahead
          continue;
        }
        const isWanted = frame.firstSample < wanted.end && frame.firstSample + frame.samples > wanted.start;
        if (!isWanted) {
          silenced += gap;
          position = frame.firstSample + frame.samples;
          continue;
        }
        const channels = await decodeFrame(decoder, frame, info);
        const intact = channels !== undefined;
        if (intact) placed.push({ at: frame.firstSample - start, channels });
        else {
          decoder = await newDecoder(); // The previous decoder may have trapped; its memory is freed with it.
        }
        silenced += gap + (intact ? 0 : frame.samples);
        position = frame.firstSample + frame.samples;
      }
      yield Array.from({ length: info.channels }, (_, c) => {
        const out = new Float32Array(position - start);
        for (const { at, channels } of placed) out.set(rescale(channels[c]!, info.bits), at);
        return out;
      });
    }
  } finally {
    decoder.free();
  }
  if (info.samples > position) {
    mends.push(
      `truncated after ${inSeconds(position, info.sampleRateHz)}: its header promises ${inSeconds(info.samples, info.sampleRateHz)}`,
    );
  } else if (report.cutFrame) mends.push(`truncated after ${inSeconds(position, info.sampleRateHz)}: the last frame is cut short`);
  if (silenced > 0) mends.push(`${inSeconds(silenced, info.sampleRateHz)} of corrupt frames were replaced by silence`);
  if (dropped > 0) mends.push(`${dropped} frames out of order were dropped`);
}

/** A decoder that takes each frame in one piece. The package cuts its input every 524,280 bytes, and libFLAC rejects a frame that is cut, as those
 *  of 65,535 samples of many channels would be. */
async function newDecoder(): Promise<FLACDecoder> {
  const decoder = new FLACDecoder();
  const inner = (decoder as unknown as { _decoder: { _MAX_INPUT_SIZE: number } })._decoder;
  inner._MAX_INPUT_SIZE = Number.POSITIVE_INFINITY;
  await decoder.ready;
  return decoder;
}

/** One frame's channels, or undefined when the decoder refuses it or traps. */
async function decodeFrame(decoder: FLACDecoder, frame: FlacFrame, info: FlacInfo): Promise<Float32Array[] | undefined> {
  try {
    const { channelData, samplesDecoded } = await decoder.decodeFrames([frame.bytes]);
    return samplesDecoded === frame.samples && channelData.length === info.channels ? channelData : undefined;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return undefined;
    throw error;
  }
}

/** Corrects the scale: the decoder divides n-bit integers by 2^(n-1) - 1, while WAV readers and other decoders divide by 2^(n-1). */
function rescale(samples: Float32Array, bits: number): Float32Array {
  const [theirs, ours] = [2 ** (bits - 1) - 1, 2 ** (bits - 1)];
  for (let i = 0; i < samples.length; i++) samples[i] = Math.round(samples[i]! * theirs) / ours;
  return samples;
}
