// Loading: an opened recording as models take it, mono at the model's sample rate, in the calling thread.
import { blobSource, memorySource } from "../base/byte-source.ts";
import type { AudioFormat, AudioReader } from "./audio-reader.ts";
import { type CropOptions, checkNotEmpty, decodePieces, openAudio, sampleRange } from "./decode.ts";
import { resampler } from "./resample.ts";
import { concatSamples, downmix } from "./waveform.ts";

/** A recording as a model takes it, with the facts of its source. */
export interface LoadedAudio {
  /** Mono: the mean of the channels, then resampled. [ceil(sampleRateHz * source samples / source rate)] */
  readonly samples: Float32Array;
  readonly sampleRateHz: number;
  readonly sourceSampleRateHz: number;
  readonly sourceChannels: number;
  readonly format: AudioFormat;
  /** Length of the recording or of the excerpt that was loaded. */
  readonly durationSeconds: number;
  /** What was repaired or lost, in words. */
  readonly mends: string[];
}

export interface LoadReaderOptions extends CropOptions {
  /** Sample rate of the result. */
  readonly sampleRateHz: number;
}

/** Mixes down and resamples piece by piece; an excerpt is cut first. `onPiece` receives the number of samples of each decoded piece, at the source's rate.
 *  @throws UnreadableAudioError when it holds no samples, TooShortError when the excerpt begins after its end. */
export async function* loadPieces(
  reader: AudioReader,
  name: string,
  { sampleRateHz, ...crop }: LoadReaderOptions,
  onPiece: (sourceSamples: number) => void,
): AsyncGenerator<Float32Array> {
  const range = sampleRange(crop, reader.sampleRateHz);
  const conversion = resampler({ from: reader.sampleRateHz, to: sampleRateHz });
  let sourceSamples = 0;
  let silent = true;
  for await (const piece of decodePieces(reader, name, range)) {
    const mono = downmix({ channels: piece });
    sourceSamples += mono.length;
    silent &&= mono.every((value) => value === 0);
    onPiece(mono.length);
    yield conversion.push(mono);
  }
  checkNotEmpty(sourceSamples, range, reader, name);
  if (silent) reader.mends.push("silent: every sample is 0");
  yield conversion.flush();
}

/** Like `loadPieces`, all samples at once. @throws as `loadPieces` does. */
export async function loadReader(
  reader: AudioReader,
  name: string,
  options: LoadReaderOptions,
  onPiece: () => void = () => {},
): Promise<{ readonly samples: Float32Array; readonly sourceSamples: number }> {
  const parts: Float32Array[] = [];
  let sourceSamples = 0;
  const pieces = loadPieces(reader, name, options, (samples) => {
    sourceSamples += samples;
    onPiece();
  });
  for await (const piece of pieces) parts.push(piece);
  return { samples: concatSamples(parts), sourceSamples };
}

/** Loads a Blob, a File or the bytes of one for a model, in the calling thread, such as a browser's worker. `name` is used in messages.
 *  @throws UnreadableAudioError whose `fault` says why there is no sound in it, TooShortError when the excerpt begins after the end. */
export async function loadInThisThread(input: Blob | Uint8Array, options: LoadReaderOptions & { name?: string }): Promise<LoadedAudio> {
  const { name = (input as Partial<File>).name ?? "memory", sampleRateHz } = options;
  const reader = await openAudio(input instanceof Uint8Array ? memorySource(input, name) : blobSource(input, name));
  const { samples, sourceSamples } = await loadReader(reader, name, options);
  return {
    samples,
    sampleRateHz,
    sourceSampleRateHz: reader.sampleRateHz,
    sourceChannels: reader.channels,
    format: reader.format,
    durationSeconds: sourceSamples / reader.sampleRateHz,
    mends: reader.mends,
  };
}
