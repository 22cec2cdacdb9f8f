// MP3 (and MPEG layers 1 and 2): decoded by mpg123, gapless, with crops that equal the same samples of the whole.
import { MPEGDecoder } from "mpg123-decoder";
import type { ByteSource } from "../base/byte-source.ts";
import { type AudioReader, cutToRange } from "./audio-reader.ts";
import { inSeconds, UnreadableAudioError } from "./faults.ts";
import {
  headOfStream,
  type Mp3Header,
  type Mp3Run,
  type Mp3Tag,
  type Mp3WalkReport,
  parseMp3Header,
  parseMp3Tag,
  walkMp3,
} from "./mp3-frames.ts";
import { afterId3 } from "./sniff.ts";
import { concatSamples } from "./waveform.ts";

/** Samples by which every decoder is late (LAME technical FAQ: 528 + 1). */
const decoderDelay = 529;
/** Frames decoded and dropped before a crop: they fill the bit reservoir (at most 511 bytes, 22 of the smallest frames), the
 *  overlap and the synthesis filter. Crops begin at a multiple of 8 frames so that the filter's ring buffer is in the same
 *  position as in a decode of the whole file: then even the rounding is the same. */
const prerollFrames = 32;
const prerollAlignment = 8;
/** Bytes after the tags in which the first frame is searched. */
const searchBytes = 1 << 20;

interface Opened {
  readonly source: ByteSource;
  readonly header: Mp3Header;
  readonly tag: Mp3Tag;
  /** Byte offset of the first audio frame. */
  readonly first: number;
  /** Every frame near the start has the same bitrate. */
  readonly constantRate: boolean;
  readonly mends: string[];
}

/** Opens an mp3. Where the LAME or Lavc tag states them, the encoder's delay and padding are removed, so that the audio has the
 *  length it had before encoding; without such a tag every decoded sample is kept (as ffmpeg does).
 *  @throws UnreadableAudioError when no two frames follow one another in the first MiB. */
export async function openMp3(source: ByteSource): Promise<AudioReader> {
  const opened = await open(source);
  const { header, tag, mends } = opened;
  const samples = knownLength(opened);
  return {
    format: "mp3",
    sampleRateHz: header.sampleRateHz,
    channels: header.channels,
    samples,
    mends,
    read: (range) => {
      const skip = tag.delay === undefined ? 0 : tag.delay + decoderDelay;
      const frame = Math.floor((range.start + skip) / header.frameSamples) - prerollFrames;
      const firstFrame = Math.max(0, frame - (frame % prerollAlignment));
      // The end that is held back may be padding; one more frame completes the overlap.
      const endFrame = Math.ceil((range.end + skip + endTrim(tag)) / header.frameSamples) + 1;
      return cutToRange(decodeFrom(opened, firstFrame, endFrame), firstFrame * header.frameSamples - skip, range);
    },
  };
}

async function open(source: ByteSource): Promise<Opened> {
  const start = await afterId3(source);
  const head = await source.read(start, Math.min(searchBytes, source.size - start));
  for (let at = 0; at < head.length; at++) {
    const header = parseMp3Header(head, at);
    if (header === undefined) continue;
    const next = parseMp3Header(head, at + header.frameBytes);
    const followed = next?.layer === header.layer && next.sampleRateHz === header.sampleRateHz;
    if (!followed && start + at + header.frameBytes !== source.size) continue;
    const tag = parseMp3Tag(head.subarray(at, at + header.frameBytes), header);
    const mends = at > 0 ? [`${at} bytes of something else before the first frame were skipped`] : [];
    const first = at + (tag ? header.frameBytes : 0);
    return { source, header, tag: tag ?? {}, first: start + first, constantRate: isConstantRate(head, first), mends };
  }
  const what = start > 0 ? "holds ID3 tags but no mp3 frames behind them" : "holds no audio in any known format";
  throw new UnreadableAudioError(start > 0 ? "corrupt" : "not-audio", `${source.name} ${what}. Fetch or export it again.`);
}

/** Samples per channel, from the tag, or from the file size if all frames have the same size. */
function knownLength({ source, header, tag, first, constantRate }: Opened): number | undefined {
  if (tag.frames !== undefined) {
    const skip = tag.delay === undefined ? 0 : tag.delay + decoderDelay;
    return Math.max(0, tag.frames * header.frameSamples - skip - endTrim(tag));
  }
  if (!constantRate) return undefined;
  const seconds = ((source.size - first) * 8) / header.bitrate;
  return Math.round((seconds * header.sampleRateHz) / header.frameSamples) * header.frameSamples;
}

function isConstantRate(head: Uint8Array, first: number): boolean {
  const bitrate = parseMp3Header(head, first)?.bitrate;
  for (let at = first, header = parseMp3Header(head, at); header; at += header.frameBytes, header = parseMp3Header(head, at)) {
    if (header.bitrate !== bitrate) return false;
  }
  return true;
}

/** Samples to drop at the end: the padding, less the decoder's delay, by which the audio is late. */
function endTrim(tag: Mp3Tag): number {
  return Math.max(0, (tag.padding ?? 0) - (tag.delay === undefined ? 0 : decoderDelay));
}

/** All decoded samples from one frame up to another, the encoder's delay included but not its padding. The timeline is kept: where damaged
 *  frames decode to fewer samples, silence follows. */
async function* decodeFrom(
  { source, header, tag, first, mends }: Opened,
  firstFrame: number,
  endFrame: number,
): AsyncGenerator<Float32Array[]> {
  const decoder = new MPEGDecoder({ enableGapless: false });
  await decoder.ready;
  const report: Mp3WalkReport = { skippedBytes: 0, cutFrame: false };
  const trim = endTrim(tag);
  let frames = 0;
  let lost = 0;
  let tail: Float32Array[] = [];
  try {
    for await (const whole of walkMp3(source, first, header, report)) {
      if (frames >= endFrame) return;
      const run = firstFrames(whole, endFrame - frames);
      const { bytes, offsets } = run;
      const before = Math.min(offsets.length, Math.max(0, firstFrame - frames));
      frames += offsets.length;
      if (before === offsets.length) continue;
      const expected = (offsets.length - before) * header.frameSamples;
      const begins = frames - offsets.length <= firstFrame;
      const decoded = decoder.decode(begins ? headOfStream(run, before) : bytes);
      lost += Math.max(0, expected - decoded.samplesDecoded);
      const pieces = decoded.channelData.slice(0, header.channels).map((channel) => ofLength(channel, expected));
      const joined = pieces.map((piece, c) => (tail[c] ? concatSamples([tail[c], piece]) : piece));
      const keep = Math.max(0, joined[0]!.length - trim);
      tail = joined.map((channel) => channel.slice(keep));
      yield joined.map((channel) => channel.subarray(0, keep));
    }
    if (frames !== tag.frames) yield tail; // cut short, or longer than the tag states: then the end is not padding
  } finally {
    decoder.free();
  }
  const lasts = inSeconds(frames * header.frameSamples, header.sampleRateHz);
  if (tag.frames !== undefined && frames < tag.frames) {
    mends.push(`truncated after ${lasts}: its tag promises ${inSeconds(tag.frames * header.frameSamples, header.sampleRateHz)}`);
  } else if (report.cutFrame) mends.push(`truncated after ${lasts}: the last frame is cut short`);
  if (tag.frames !== undefined && frames > tag.frames) mends.push(`${frames - tag.frames} frames more than its tag promises were kept`);
  if (report.skippedBytes > 0) mends.push(`${report.skippedBytes} bytes that are no mp3 frame were skipped`);
  if (lost > 0) mends.push(`${Math.ceil(lost / header.frameSamples)} corrupt frames were replaced by silence`);
}

/** The first `count` frames of a run, or all of fewer. */
function firstFrames(run: Mp3Run, count: number): Mp3Run {
  if (count >= run.offsets.length) return run;
  return { bytes: run.bytes.subarray(0, run.offsets[count]), offsets: run.offsets.slice(0, count) };
}

/** The first `length` samples, followed by silence if there are fewer. */
function ofLength(samples: Float32Array, length: number): Float32Array {
  if (samples.length === length) return samples;
  const out = new Float32Array(length);
  out.set(samples.subarray(0, length));
  return out;
}
