// Decoding: audio files of any format to samples, in the calling thread. The functions for Node, which use workers, are in decode.node.ts.
import { type ByteSource, memorySource } from "../base/byte-source.ts";
import { ConfigError, messageOf, OstinatoError, TooShortError } from "../base/errors.ts";
import { openAiff } from "./aiff.ts";
import type { AudioFormat, AudioReader, SampleRange } from "./audio-reader.ts";
import { inSeconds, UnreadableAudioError } from "./faults.ts";
import { openFlac } from "./flac.ts";
import { openMp3 } from "./mp3.ts";
import { openOpus, openVorbis } from "./ogg.ts";
import { sniff } from "./sniff.ts";
import { openWav } from "./wav.ts";
import { concatSamples, isSilent, type Waveform } from "./waveform.ts";

/** A decoded recording or an excerpt of it. */
export interface DecodedAudio extends Waveform {
  readonly format: AudioFormat;
  /** What was repaired or lost, in words: "truncated after 3.2 s: …". Empty for a sound file. */
  readonly mends: string[];
}

/** An excerpt. Its samples are exactly those of the whole decode, from sample round(startSeconds * rate) on; one that reaches past
 *  the end is cut to it. */
export interface CropOptions {
  readonly startSeconds?: number;
  /** Default: to the end. */
  readonly seconds?: number;
}

export interface OpenOptions {
  /** Opens what this library does not decode itself; the default throws `refusal`. */
  readonly fallback?: (format: AudioFormat, refusal: UnreadableAudioError) => Promise<AudioReader>;
}

type Opener = (source: ByteSource) => Promise<AudioReader>;
const openers: Partial<Record<AudioFormat, Opener>> = {
  wav: openWav,
  aiff: openAiff,
  mp3: openMp3,
  flac: openFlac,
  vorbis: openVorbis,
  opus: openOpus,
  unknown: openMp3, // an mp3 may begin with anything
};

/** Rates outside this range come from corrupt headers. Resampled to a model's rate, a small file that claims a few hertz would become hours. */
const sampleRates = { lowestHz: 1000, highestHz: 1_600_000 };

/** Opens a recording; the format is recognised by its content.
 *  @throws UnreadableAudioError whose `fault` says why there is no sound in it. */
export async function openAudio(source: ByteSource, options: OpenOptions = {}): Promise<AudioReader> {
  const reader = await openAny(source, options);
  const { sampleRateHz, format } = reader;
  if (sampleRateHz >= sampleRates.lowestHz && sampleRateHz <= sampleRates.highestHz) return reader;
  throw new UnreadableAudioError(
    "corrupt",
    `${source.name} is ${format} at ${sampleRateHz} Hz, which no recording has: its header is corrupt. Fetch or export it again.`,
  );
}

async function openAny(source: ByteSource, options: OpenOptions): Promise<AudioReader> {
  const { fallback = (_format, refusal) => Promise.reject(refusal) } = options;
  const format = await sniff(source);
  const open = openers[format];
  if (open === undefined) return fallback(format, foreign(source.name, format));
  try {
    return await open(source);
  } catch (error) {
    if (error instanceof UnreadableAudioError && error.fault === "unsupported") return fallback(format, error);
    throw error instanceof OstinatoError ? error : crashed(source.name, error);
  }
}

/** The samples of an excerpt in pieces, [channels][samples]; memory is bounded by a piece. A decoder that traps after the first
 *  samples ends the stream and adds a mend.
 *  @throws UnreadableAudioError when it traps before the first sample. */
export async function* decodePieces(reader: AudioReader, name: string, range: SampleRange): AsyncGenerator<Float32Array[]> {
  let samples = 0;
  let notNumbers = 0;
  try {
    for await (const piece of reader.read(range)) {
      samples += piece[0]?.length ?? 0;
      notNumbers += zeroNotNumbers(piece);
      yield piece;
    }
  } catch (error) {
    if (error instanceof OstinatoError) throw error;
    if (!(error instanceof WebAssembly.RuntimeError) || samples === 0) throw crashed(name, error);
    reader.mends.push(`the decoder crashed (${error.message}): all after ${inSeconds(range.start + samples, reader.sampleRateHz)} is lost`);
  }
  if (notNumbers > 0) reader.mends.push(`${notNumbers} samples were not finite numbers and were set to 0`);
}

/** The excerpt as a range of samples. @throws ConfigError for a negative start or a length that is not positive. */
export function sampleRange({ startSeconds = 0, seconds }: CropOptions, sampleRateHz: number): SampleRange {
  if (!(startSeconds >= 0) || (seconds !== undefined && !(seconds > 0))) {
    throw new ConfigError(`An excerpt of ${seconds} s from ${startSeconds} s on: the start must be 0 or more and the length above 0.`);
  }
  const start = Math.round(startSeconds * sampleRateHz);
  return { start, end: seconds === undefined ? Number.POSITIVE_INFINITY : start + Math.round(seconds * sampleRateHz) };
}

/** Decodes an opened recording, or an excerpt of it, into memory; `onPiece` is called after each piece.
 *  @throws UnreadableAudioError when it holds no samples, TooShortError when the excerpt begins after its end. */
export async function decodeReader(
  reader: AudioReader,
  name: string,
  crop: CropOptions = {},
  onPiece: () => void = () => {},
): Promise<DecodedAudio> {
  const range = sampleRange(crop, reader.sampleRateHz);
  const parts: Float32Array[][] = Array.from({ length: reader.channels }, () => []);
  for await (const piece of decodePieces(reader, name, range)) {
    for (const [c, own] of parts.entries()) own.push(piece[c] ?? new Float32Array(piece[0]!.length));
    onPiece();
  }
  const channels = parts.map(concatSamples);
  checkNotEmpty(channels[0]?.length ?? 0, range, reader, name);
  if (isSilent({ channels }, 0)) reader.mends.push("silent: every sample is 0");
  return { format: reader.format, sampleRateHz: reader.sampleRateHz, channels, mends: reader.mends };
}

/** @throws UnreadableAudioError or TooShortError when an excerpt is empty. */
export function checkNotEmpty(samples: number, { start }: SampleRange, reader: AudioReader, name: string): void {
  if (samples > 0) return;
  if (start === 0) {
    const promised = (reader.samples ?? 0) > 0 ? `, though ${inSeconds(reader.samples!, reader.sampleRateHz)} were promised` : "";
    const why = reader.mends.length > 0 ? ` (${reader.mends.join("; ")})` : "";
    const fault = promised + why === "" ? "empty" : "corrupt";
    throw new UnreadableAudioError(fault, `${name} is ${reader.format} without any samples${promised}${why}. Fetch or export it again.`);
  }
  const lasts = reader.samples === undefined ? "" : ` It lasts ${inSeconds(reader.samples, reader.sampleRateHz)}.`;
  throw new TooShortError(`${name} ends before ${inSeconds(start, reader.sampleRateHz)}, where the excerpt begins.${lasts}`);
}

/** Decodes bytes in the calling thread, such as a browser's worker. @throws as `openAudio` and `decodeReader` do. */
export async function decodeInThisThread(bytes: Uint8Array, crop: CropOptions & { name?: string } = {}): Promise<DecodedAudio> {
  const { name = "memory" } = crop;
  return decodeReader(await openAudio(memorySource(bytes, name)), name, crop);
}

function foreign(name: string, format: AudioFormat): UnreadableAudioError {
  const remedy = "Convert it to wav, flac, mp3, ogg or opus.";
  return new UnreadableAudioError("unsupported", `${name} is ${format}, which this library does not decode itself. ${remedy}`);
}

function crashed(name: string, error: unknown): UnreadableAudioError {
  const what = `${name} crashed its decoder (${messageOf(error)}): it is corrupt`;
  return new UnreadableAudioError("crashed", `${what}. Fetch or export it again.`, { cause: error });
}

/** Replaces NaN and infinities by 0 and counts them. */
function zeroNotNumbers(channels: readonly Float32Array[]): number {
  let count = 0;
  for (const channel of channels) {
    for (let i = 0; i < channel.length; i++) {
      if (Number.isFinite(channel[i])) continue;
      channel[i] = 0;
      count++;
    }
  }
  return count;
}
