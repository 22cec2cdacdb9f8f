// Batch: what a training step takes, as a plain value, put together from crops.
import type { LabelSet } from "./corpus.ts";
import { cropLabels } from "./label-crop.ts";
import type { PlannedBatch } from "./plan.ts";

/** A recording that gave no sound for its crop. */
export interface BadClip {
  /** Index in the manifest. */
  readonly clip: number;
  readonly path: string;
  /** What was found, in words. */
  readonly reason: string;
}

export interface Batch {
  /** Its place in the plan's endless row, and the epoch that place lies in. */
  readonly number: number;
  readonly epoch: number;
  /** [clips, samples], mono, at the manifest's rate. */
  readonly waveforms: Float32Array;
  readonly samples: number;
  /** [codebooks, clips, frames]: codes; empty without a label set. */
  readonly labels: Int32Array;
  readonly codebooks: number;
  readonly frames: number;
  /** Indices of the rows' clips in the manifest, and the first sample of each crop. */
  readonly clips: readonly number[];
  readonly starts: readonly number[];
  /** Clips that should have been rows too. */
  readonly bad: readonly BadClip[];
}

/** A crop that was read: its samples, or why there are none. */
export type ReadCrop = { readonly samples: Float32Array } | { readonly reason: string };

/** The labels of a batch's clips, by their index. */
export type BatchLabels = Pick<LabelSet, "frames" | "read"> & { readonly codebooks: number; readonly rateHz: number };

export interface BatchParts {
  readonly planned: PlannedBatch;
  /** One for each of the planned clips. */
  readonly crops: readonly ReadCrop[];
  readonly pathOf: (clip: number) => string;
  readonly sampleRateHz: number;
  readonly labels?: BatchLabels | undefined;
}

/** Puts the crops that could be read together with their labels; undefined when none could.
 *  @throws ConfigError when the labels end before a crop begins. */
export function makeBatch({ planned, crops, pathOf, sampleRateHz, labels }: BatchParts): Batch | { readonly bad: readonly BadClip[] } {
  const { number, epoch, samples } = planned;
  const waves = crops.flatMap((crop) => ("samples" in crop ? [crop.samples] : []));
  const rows = planned.clips.map((clip, i) => ({ clip, start: planned.starts[i]! })).filter((_, i) => "samples" in crops[i]!);
  const bad = planned.clips.flatMap((clip, i) => {
    const crop = crops[i]!;
    return "reason" in crop ? [{ clip, path: pathOf(clip), reason: crop.reason }] : [];
  });
  if (rows.length === 0) return { bad };
  const waveforms = new Float32Array(rows.length * samples);
  for (const [i, wave] of waves.entries()) waveforms.set(wave, i * samples);
  const [clips, starts] = [rows.map((row) => row.clip), rows.map((row) => row.start)];
  const cut =
    labels && cropLabels({ sampleRateHz, rateHz: labels.rateHz, samples, starts, frames: clips.map((clip) => labels.frames(clip)) });
  const [codebooks, frames] = [labels?.codebooks ?? 0, cut?.frames ?? 0];
  const codes = new Int32Array(codebooks * rows.length * frames);
  for (const [i, clip] of clips.entries()) {
    if (labels === undefined || cut === undefined) break;
    const own = labels.read(clip, cut.starts[i]!, frames); // [codebooks, frames]
    for (let k = 0; k < codebooks; k++) codes.set(own.subarray(k * frames, (k + 1) * frames), (k * rows.length + i) * frames);
  }
  return { number, epoch, waveforms, samples, labels: codes, codebooks, frames, clips, starts, bad };
}
