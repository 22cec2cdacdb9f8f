// Clips: sound as the model takes it, mono at its sample rate, with the facts of where it came from.
import { stat } from "node:fs/promises";
import { runDecodeJob } from "../audio/decode.node.ts";
import { loadAudio } from "../audio/load.node.ts";
import { resample } from "../audio/resample.ts";
import { ConfigError } from "../base/errors.ts";
import type { Source } from "./provenance.ts";

/** Samples that are already there: mono, at any rate. */
export interface Samples {
  readonly samples: Float32Array;
  readonly sampleRateHz: number;
}

/** The bytes of an audio file that is on no disk; `name` stands in messages. */
export interface AudioBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** A file's path, a file's bytes, or samples. */
export type AudioSource = string | AudioBytes | Samples;

export interface Clip {
  /** Mono at the model's rate. */
  readonly samples: Float32Array;
  readonly source: Source;
}

/** Decodes (in a worker), mixes down and resamples.
 *  @throws NotFoundError, UnreadableAudioError whose `fault` says why there is no sound in it, and `signal`'s reason. */
export async function loadClip(audio: AudioSource, sampleRateHz: number, signal?: AbortSignal): Promise<Clip> {
  if (typeof audio === "string") return loadFile(audio, sampleRateHz, signal);
  if ("bytes" in audio) return loadBytes(audio, sampleRateHz, signal);
  if (audio.samples.length === 0) throw new ConfigError("The waveform has no samples: give at least one frame of sound.");
  const samples = resample(audio.samples, { from: audio.sampleRateHz, to: sampleRateHz });
  return {
    samples,
    source: { sampleRateHz: audio.sampleRateHz, channels: 1, seconds: audio.samples.length / audio.sampleRateHz, mends: [] },
  };
}

/** What tells whether a file has changed since it was embedded. */
export async function fileStamp(path: string): Promise<{ bytes: number; modified: string }> {
  const { size, mtime } = await stat(path);
  return { bytes: size, modified: mtime.toISOString() };
}

async function loadFile(path: string, sampleRateHz: number, signal?: AbortSignal): Promise<Clip> {
  const audio = await loadAudio(path, { sampleRateHz, signal });
  const source: Source = {
    file: path,
    ...(await fileStamp(path)),
    format: audio.format,
    sampleRateHz: audio.sourceSampleRateHz,
    channels: audio.sourceChannels,
    seconds: audio.durationSeconds,
    mends: audio.mends,
  };
  return { samples: audio.samples, source };
}

async function loadBytes({ bytes, name }: AudioBytes, sampleRateHz: number, signal?: AbortSignal): Promise<Clip> {
  const audio = await runDecodeJob({ task: "load", input: { bytes, name }, crop: {}, sampleRateHz }, { signal });
  const source: Source = {
    file: name,
    bytes: bytes.length,
    format: audio.format,
    sampleRateHz: audio.sourceSampleRateHz,
    channels: audio.sourceChannels,
    seconds: audio.sourceSamples / audio.sourceSampleRateHz,
    mends: audio.mends,
  };
  return { samples: audio.channels[0]!, source };
}
