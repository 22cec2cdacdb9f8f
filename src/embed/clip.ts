// Clips: audio as the model takes it, mono at its sample rate, with its source for provenance. Long recordings are decoded twice instead of
// being held in memory.
import { stat } from "node:fs/promises";
import { loadStream, type StreamFacts } from "../audio/load.node.ts";
import { resample } from "../audio/resample.ts";
import { concatSamples } from "../audio/waveform.ts";
import { ConfigError } from "../base/errors.ts";
import { gatherStatistics } from "../inference/clip-statistics.ts";
import { type LongClip, longClip } from "../inference/long.ts";
import type { Source } from "../inference/provenance.ts";
import type { Model } from "../models/model.ts";

/** Decoded samples: mono, -1…1, at any rate. */
export interface Samples {
  readonly samples: Float32Array;
  readonly sampleRateHz: number;
}

/** The bytes of an audio file in memory; `name` is used in messages. */
export interface AudioBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** A file's path, a file's bytes, or samples. */
export type AudioSource = string | AudioBytes | Samples;

/** A recording's source and its audio: in memory, or to be decoded again where it is long. */
export interface LoadedClip {
  readonly source: Source;
  /** Number of samples at the model's rate. */
  readonly samples: number;
  /** Mono at the model's rate. */
  readonly sound: Float32Array | LongClip;
}

/** Clips up to this length are decoded into memory, run whole and share batches. Longer ones are decoded once for their statistics and again
 *  when they run. */
export const heldSeconds = 30;

export interface LoadClipOptions {
  /** Longest clip to hold in memory; default `heldSeconds`. */
  readonly longestHeldSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

type ForModel = Pick<Model, "sampleRateHz" | "normWindows">;

/** Decodes in a worker, mixes down and resamples.
 *  @throws NotFoundError, UnreadableAudioError whose `fault` names the cause, and `signal`'s reason. */
export async function loadClip(audio: AudioSource, model: ForModel, options: LoadClipOptions = {}): Promise<LoadedClip> {
  const longestHeld = (options.longestHeldSeconds ?? heldSeconds) * model.sampleRateHz;
  if (typeof audio !== "string" && "samples" in audio) return samplesClip(audio, model, longestHeld);
  const input = typeof audio === "string" ? { path: audio } : audio;
  const { sampleRateHz } = model;
  const { signal } = options;
  const decoded: { facts?: StreamFacts } = {};
  const first = loadStream(input, { sampleRateHz, signal, onEnd: (facts) => (decoded.facts = facts) });
  const gathering = gatherStatistics(model);
  let held: Float32Array[] | undefined = [];
  let samples = 0;
  for await (const piece of first) {
    samples += piece.length;
    held?.push(piece);
    if (samples <= longestHeld) continue;
    for (const each of held ?? [piece]) gathering.push(each);
    held = undefined;
  }
  const { format, mends, sourceSampleRateHz, sourceChannels, durationSeconds } = decoded.facts!;
  const named = typeof audio === "string" ? { file: audio, ...(await fileStamp(audio)) } : { file: audio.name, bytes: audio.bytes.length };
  const source = { ...named, format, sampleRateHz: sourceSampleRateHz, channels: sourceChannels, seconds: durationSeconds, mends };
  if (held) return { source, samples, sound: concatSamples(held) };
  const statistics = gathering.statistics();
  return { source, samples, sound: { statistics, pieces: () => loadStream(input, { sampleRateHz, signal }) } };
}

function samplesClip({ samples: given, sampleRateHz }: Samples, model: ForModel, longestHeld: number): LoadedClip {
  if (given.length === 0) throw new ConfigError("The waveform has no samples. Give at least one frame of audio.");
  const samples = resample(given, { from: sampleRateHz, to: model.sampleRateHz });
  const source = { sampleRateHz, channels: 1, seconds: given.length / sampleRateHz, mends: [] };
  return { source, samples: samples.length, sound: samples.length <= longestHeld ? samples : longClip(samples, model) };
}

/** Size and modification time: they show whether a file has changed since it was embedded. */
export async function fileStamp(path: string): Promise<{ bytes: number; modified: string }> {
  const { size, mtime } = await stat(path);
  return { bytes: size, modified: mtime.toISOString() };
}
