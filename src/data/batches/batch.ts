// Batch: the input of a training step, assembled from crops.
import { cropLabels } from "./label-crop.ts";
import type { PlannedBatch } from "./plan.ts";

/** A recording whose crop could not be read. */
export interface BadClip {
  /** Index in the manifest. */
  readonly clip: number;
  readonly path: string;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** A batch of crops with their labels. */
export interface Batch {
  /** The batch's number in the plan's endless sequence, and the epoch in which that number falls. */
  readonly number: number;
  readonly epoch: number;
  /** [clips, samples], mono, at the manifest's rate. */
  readonly waveforms: Float32Array;
  readonly samples: number;
  /** Codes [codebooks, clips, frames]; empty without a label set. */
  readonly labels: Int32Array;
  readonly codebooks: number;
  readonly frames: number;
  /** For each row the clip's index in the manifest, and the first sample of the crop. */
  readonly clips: readonly number[];
  readonly starts: readonly number[];
  /** Clips that are missing from the batch because they could not be read. */
  readonly bad: readonly BadClip[];
}

/** A crop's samples, or why it could not be read. */
export type ReadCrop = { readonly samples: Float32Array } | { readonly reason: string };

/** The labels of a planned batch's clips, by row. */
export interface BatchLabels {
  readonly codebooks: number;
  readonly rateHz: number;
  frames(row: number): number;
  /** [codebooks, count] */
  read(row: number, start: number, count: number): Int32Array;
}

export interface BatchParts {
  readonly planned: PlannedBatch;
  /** One for each planned clip. */
  readonly crops: readonly ReadCrop[];
  readonly pathOf: (clip: number) => string;
  readonly sampleRateHz: number;
  readonly labels?: BatchLabels | undefined;
}

/** Assembles the crops that could be read, with their labels; only `bad` when none could be read.
 *  @throws ConfigError when the labels end before a crop begins. */
export function makeBatch({ planned, crops, pathOf, sampleRateHz, labels }: BatchParts): Batch | { readonly bad: readonly BadClip[] } {
  const { number, epoch, samples } = planned;
  const good: { row: number; wave: Float32Array }[] = [];
  const bad: BadClip[] = [];
  for (const [row, crop] of crops.entries()) {
    const clip = planned.clips[row]!;
    const path = pathOf(clip);
    if (!("samples" in crop)) bad.push({ clip, path, reason: crop.reason });
    else if (labels?.frames(row) === 0) bad.push({ clip, path, reason: `${path} has no labels.` });
    else good.push({ row, wave: crop.samples });
  }
  if (good.length === 0) return { bad };
  const waveforms = new Float32Array(good.length * samples);
  for (const [i, { wave }] of good.entries()) waveforms.set(wave, i * samples);
  const clips = good.map(({ row }) => planned.clips[row]!);
  const starts = good.map(({ row }) => planned.starts[row]!);
  const audio = { number, epoch, waveforms, samples, clips, starts, bad };
  if (labels === undefined) return { ...audio, labels: new Int32Array(0), codebooks: 0, frames: 0 };
  const { codebooks, rateHz } = labels;
  const own = good.map(({ row }) => labels.frames(row));
  const { frames, starts: first } = cropLabels({ sampleRateHz, rateHz, samples, starts, frames: own });
  const codes = new Int32Array(codebooks * good.length * frames);
  for (const [i, { row }] of good.entries()) {
    const read = labels.read(row, first[i]!, frames);
    for (let k = 0; k < codebooks; k++) codes.set(read.subarray(k * frames, (k + 1) * frames), (k * good.length + i) * frames);
  }
  return { ...audio, labels: codes, codebooks, frames };
}
