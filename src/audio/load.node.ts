// Loading: files as models take them, mono at the model's sample rate, and the facts of a file that need no decoding.
import { fileSource } from "../base/files.node.ts";
import type { AudioFormat } from "./audio-reader.ts";
import { cropOf, type DecodeOptions, runDecodeJob, streamParts } from "./decode.node.ts";
import { openAudio } from "./decode.ts";
import type { AudioInput } from "./decode-job.ts";
import { openFfmpeg } from "./ffmpeg.node.ts";
import type { LoadedAudio } from "./load.ts";

export interface LoadAudioOptions extends DecodeOptions {
  /** Sample rate of the result. */
  readonly sampleRateHz: number;
}

export type { LoadedAudio };

/** The facts of a recording that has been read to its end. */
export type StreamFacts = Omit<LoadedAudio, "samples">;

/** Streams a file, or the bytes of one, for a model: mono at `sampleRateHz`, the same samples as `loadAudio` gives, in pieces. The worker is at most
 *  two pieces ahead of the reader. `onEnd` receives the facts once everything has been read. Iterating throws as `decodeFile` does. */
export async function* loadStream(
  input: AudioInput,
  {
    sampleRateHz,
    signal,
    onEnd = () => {},
  }: Pick<LoadAudioOptions, "sampleRateHz" | "signal"> & { readonly onEnd?: (facts: StreamFacts) => void },
): AsyncGenerator<Float32Array> {
  const job = { task: "loadStream", input, crop: {}, sampleRateHz } as const;
  const parts = streamParts(job, {
    signal,
    onEnd: ({ sourceSampleRateHz, sourceChannels, sourceSamples, format, mends }) =>
      onEnd({ sampleRateHz, sourceSampleRateHz, sourceChannels, format, durationSeconds: sourceSamples / sourceSampleRateHz, mends }),
  });
  for await (const { channels } of parts) yield channels[0]!;
}

/** Loads a file, or an excerpt of it, for a model. Decoding and resampling run in a worker, and the samples are transferred, not copied. An
 *  excerpt is cut before it is resampled, as with torchaudio.load with a frame offset followed by resample.
 *  @throws as `decodeFile` does. */
export async function loadAudio(path: string, options: LoadAudioOptions): Promise<LoadedAudio> {
  const { sampleRateHz, signal } = options;
  const result = await runDecodeJob({ task: "load", input: { path }, crop: cropOf(options), sampleRateHz }, { signal });
  const { sourceSampleRateHz, sourceChannels, sourceSamples, format, mends } = result;
  const samples = result.channels[0]!;
  return { samples, sampleRateHz, sourceSampleRateHz, sourceChannels, format, durationSeconds: sourceSamples / sourceSampleRateHz, mends };
}

/** The facts that the headers of a recording state. */
export interface AudioFacts {
  readonly format: AudioFormat;
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Samples per channel and seconds, where the container states them. */
  readonly samples: number | undefined;
  readonly durationSeconds: number | undefined;
  /** Damage that is visible without decoding, such as a cut end. */
  readonly mends: string[];
}

/** The facts of a file from its header and, for Ogg, its last page; an mp3's length comes from its Xing tag or constant bitrate.
 *  @throws as `decodeFile` does, for what the header shows. */
export async function probeAudio(path: string): Promise<AudioFacts> {
  const source = await fileSource(path);
  try {
    const reader = await openAudio(source, { fallback: (format, refusal) => openFfmpeg(path, format, { refusal }) });
    const { format, sampleRateHz, channels, samples, mends } = reader;
    return { format, sampleRateHz, channels, samples, durationSeconds: samples === undefined ? undefined : samples / sampleRateHz, mends };
  } finally {
    await source.close();
  }
}
