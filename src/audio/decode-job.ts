// Decode jobs: the messages to a decoding worker and its results.
import type { AudioFormat } from "./audio-reader.ts";
import type { CropOptions } from "./decode.ts";

/** A file by path, or its bytes with a name for messages. */
export type AudioInput = { readonly path: string } | { readonly bytes: Uint8Array; readonly name: string };

/** decode: all channels at once. stream: all channels in parts. load: mono at another rate, all at once. loadStream: the same in parts. */
export type DecodeJob = { readonly input: AudioInput; readonly crop: CropOptions } & (
  | { readonly task: "decode" | "stream" }
  | { readonly task: "load" | "loadStream"; readonly sampleRateHz: number }
);

/** A part of a stream: [channels][samples]. */
export interface DecodedPart {
  readonly sampleRateHz: number;
  readonly channels: Float32Array[];
}

export interface DecodeResult {
  readonly format: AudioFormat;
  readonly sourceSampleRateHz: number;
  readonly sourceChannels: number;
  /** Samples decoded, at the source's rate. */
  readonly sourceSamples: number;
  /** decode: every channel; load: the one resampled channel; for streams empty, since their samples were sent in parts. */
  readonly channels: Float32Array[];
  readonly mends: string[];
}
