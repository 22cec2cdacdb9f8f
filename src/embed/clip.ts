// Clips: recordings as a model takes them, mono at its sample rate, with where they came from. Short ones are one waveform; long ones are read in
// pieces, from memory where they fit the budget, else by decoding the file again.
import { stat } from "node:fs/promises";
import { loadStream, type StreamFacts } from "../audio/load.node.ts";
import { resample } from "../audio/resample.ts";
import { concatSamples } from "../audio/waveform.ts";
import { gatherStatistics } from "../inference/clip-statistics.ts";
import { type LongClip, longClip } from "../inference/long.ts";
import type { Source } from "../inference/provenance.ts";
import type { Model } from "../models/model.ts";
import { type AudioSource, openSource, type Samples } from "./input.ts";

/** A recording as a model takes it, and where it came from. */
export interface LoadedClip {
  readonly source: Source;
  /** Number of samples at the model's rate. */
  readonly samples: number;
  /** Mono at the model's rate: a whole waveform where it is short, else a clip that is read in pieces. */
  readonly sound: Float32Array | LongClip;
  /** Returns what the clip holds of the sound budget; to be called once nobody reads it any more. */
  release(): void;
}

/** Clips up to this length are run whole and share batches. Longer ones are run in pieces. */
export const heldSeconds = 30;

/** A recording up to this length is decoded once and its sound is kept, 86 MB at 24 kHz. A longer one is decoded a second time when it is run. */
export const keptSeconds = 900;

/** How many samples of long recordings may be in memory at a time, over all clips that are under way. */
export class SoundBudget {
  #left: number;

  constructor(samples: number) {
    this.#left = samples;
  }

  /** Whether `samples` more fit; they are then reserved. */
  reserve(samples: number): boolean {
    if (samples > this.#left) return false;
    this.#left -= samples;
    return true;
  }

  release(samples: number): void {
    this.#left += samples;
  }
}

/** The budget of a run over many files: three recordings of `keptSeconds`, 260 MB at 24 kHz. */
export function runBudget(sampleRateHz: number): SoundBudget {
  return new SoundBudget(3 * keptSeconds * sampleRateHz);
}

export interface LoadClipOptions {
  /** Longest clip that is run whole; default `heldSeconds`. */
  readonly longestHeldSeconds?: number | undefined;
  /** Shared by clips that are loaded at the same time; by default a clip has `keptSeconds` of its own. */
  readonly budget?: SoundBudget | undefined;
  readonly signal?: AbortSignal | undefined;
}

type ForModel = Pick<Model, "sampleRateHz" | "normWindows">;

/** Decodes in a worker, mixes down and resamples.
 *  @throws ConfigError for input that is no audio, NotFoundError, UnreadableAudioError whose `fault` names the cause, and `signal`'s reason. */
export async function loadClip(audio: AudioSource, model: ForModel, options: LoadClipOptions = {}): Promise<LoadedClip> {
  const longestHeld = (options.longestHeldSeconds ?? heldSeconds) * model.sampleRateHz;
  const input = await openSource(audio);
  if ("samples" in input) return samplesClip(input, model, longestHeld);
  const { sampleRateHz } = model;
  const { signal } = options;
  const decoded: { facts?: StreamFacts } = {};
  const first = loadStream(input, { sampleRateHz, signal, onEnd: (facts) => (decoded.facts = facts) });
  const budget = options.budget ?? new SoundBudget(keptSeconds * sampleRateHz);
  const gathering = gatherStatistics(model);
  let pieces: Float32Array[] | undefined = [];
  let [samples, gathered, reserved] = [0, 0, 0];
  const release = () => {
    budget.release(reserved);
    reserved = 0;
  };
  try {
    for await (const piece of first) {
      samples += piece.length;
      pieces?.push(piece);
      if (samples <= longestHeld) continue;
      for (const each of gathered === 0 && pieces ? pieces : [piece]) gathering.push(each);
      gathered = samples;
      const more = samples - reserved;
      if (pieces && samples <= keptSeconds * sampleRateHz && budget.reserve(more)) reserved += more;
      else if (pieces) {
        pieces = undefined;
        release();
      }
    }
    const { format, mends, sourceSampleRateHz, sourceChannels, durationSeconds } = decoded.facts!;
    const named =
      "path" in input ? { file: input.path, ...(await fileStamp(input.path)) } : { file: input.name, bytes: input.bytes.length };
    const source = { ...named, format, sampleRateHz: sourceSampleRateHz, channels: sourceChannels, seconds: durationSeconds, mends };
    if (gathered === 0) return { source, samples, sound: concatSamples(pieces!), release };
    const statistics = gathering.statistics();
    const kept = pieces;
    const again = kept ? () => inOrder(kept) : () => loadStream(input, { sampleRateHz, signal });
    return { source, samples, sound: { statistics, pieces: again }, release };
  } catch (error) {
    release();
    throw error;
  }
}

async function* inOrder(pieces: readonly Float32Array[]): AsyncGenerator<Float32Array> {
  yield* pieces;
}

function samplesClip({ samples: given, sampleRateHz }: Samples, model: ForModel, longestHeld: number): LoadedClip {
  const bad = given.reduce((count, value) => (Number.isFinite(value) ? count : count + 1), 0);
  const finite = bad === 0 ? given : given.map((value) => (Number.isFinite(value) ? value : 0));
  const samples = resample(finite, { from: sampleRateHz, to: model.sampleRateHz });
  const mends = bad === 0 ? [] : [`${bad} samples were not finite numbers and were set to 0`];
  const source = { sampleRateHz, channels: 1, seconds: given.length / sampleRateHz, mends };
  const sound = samples.length <= longestHeld ? samples : longClip(samples, model);
  return { source, samples: samples.length, sound, release: () => {} };
}

/** Size and modification time: they show whether a file has changed since it was embedded. */
export async function fileStamp(path: string): Promise<{ bytes: number; modified: string }> {
  const { size, mtime } = await stat(path);
  return { bytes: size, modified: mtime.toISOString() };
}
