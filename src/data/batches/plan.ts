// Plan: the clips of each batch and where they are cropped, for any batch of an endless sequence of epochs.
import { ConfigError } from "../../base/errors.ts";
import { shuffle } from "../../base/random.ts";
import { batchBySize, type SizeLimits } from "./by-size.ts";
import { drawsFor } from "./draws.ts";

/** How clips are cropped and grouped into batches. */
export interface PlanRules extends SizeLimits {
  /** Largest length of a crop in samples. */
  readonly maxSamples: number;
  /** Clips with fewer samples are left out; default 1. */
  readonly minSamples?: number | undefined;
  /** Clips are sorted by their full length (MERT; the default), or by their length up to `maxSamples`, so that all longer ones tie (data2vec). */
  readonly order?: "length" | "crop" | undefined;
  /** Seed of all random draws. */
  readonly seed: number;
  /** Default true. False gives the same batches and crops in every epoch, longest clips first: for validation. */
  readonly shuffle?: boolean | undefined;
}

/** A batch before it is read. */
export interface PlannedBatch {
  /** Its number in the endless sequence. */
  readonly number: number;
  readonly epoch: number;
  /** Length of every crop: that of the batch's shortest clip, at most `maxSamples`. */
  readonly samples: number;
  /** Indices of the clips, and the first sample of each crop. */
  readonly clips: readonly number[];
  readonly starts: readonly number[];
}

/** An endless sequence of batches, epoch after epoch, with random access. */
export interface Plan {
  /** Batches of an epoch; the same in every epoch. */
  readonly batches: number;
  /** Clips of an epoch, each of which is in one batch. */
  readonly clips: number;
  /** Number of clips left out because they are too short. */
  readonly short: number;
  /** Batch `number` of the sequence, which depends on the rules and the number alone. The first batch of an epoch costs a shuffle, so resuming
   *  at batch a million takes no longer than starting. */
  at(number: number): PlannedBatch;
}

/** Plans batches of clips of the given lengths (samples, by index) as fairseq does: longest first, ties in random order, cut by size, then the
 *  batches are shuffled. fairseq draws the order of ties once for all epochs; here each epoch draws it again, which leaves the sizes of the
 *  batches unchanged.
 *  @throws ConfigError when no clip is long enough, or a crop does not fit a batch. */
export function planBatches(lengths: ArrayLike<number>, rules: PlanRules): Plan {
  const { maxSamples, minSamples = 1, order = "length", seed, shuffle: shuffled = true } = rules;
  if (!(minSamples >= 1) || !(maxSamples >= minSamples)) {
    throw new ConfigError(`Crops of ${minSamples} to ${maxSamples} samples: give a minimum from 1 and a maximum no smaller.`);
  }
  const rank = (clip: number) => (order === "crop" ? Math.min(lengths[clip]!, maxSamples) : lengths[clip]!);
  const kept = Array.from({ length: lengths.length }, (_, clip) => clip).filter((clip) => lengths[clip]! >= minSamples);
  if (kept.length === 0) {
    throw new ConfigError(`None of ${lengths.length} clips has ${minSamples} samples. Lower minSamples, or give longer recordings.`);
  }
  const sorted = Int32Array.from(kept).sort((a, b) => rank(b) - rank(a) || a - b);
  const ends = batchBySize(
    sorted.map((clip) => Math.min(lengths[clip]!, maxSamples)),
    rules,
  );
  let drawn: { epoch: number; clips: Int32Array; batches: Int32Array } | undefined;

  const draw = (epoch: number) => {
    const clips = sorted.slice();
    const batches = Int32Array.from(ends, (_, i) => i);
    if (!shuffled) return { epoch, clips, batches };
    const rng = drawsFor(seed, "ties", epoch);
    for (let from = 0; from < clips.length; ) {
      let to = from + 1;
      while (to < clips.length && rank(sorted[to]!) === rank(sorted[from]!)) to++;
      shuffle(rng, clips, from, to);
      from = to;
    }
    return { epoch, clips, batches: shuffle(drawsFor(seed, "batches", epoch), batches) };
  };

  return {
    batches: ends.length,
    clips: sorted.length,
    short: lengths.length - sorted.length,
    at(number) {
      if (!Number.isSafeInteger(number) || number < 0) throw new ConfigError(`There is no batch ${number}: batches count from 0.`);
      const epoch = shuffled ? Math.floor(number / ends.length) : 0;
      if (drawn?.epoch !== epoch) drawn = draw(epoch);
      const batch = drawn.batches[number % ends.length]!;
      const clips = Array.from(drawn.clips.subarray(ends[batch - 1] ?? 0, ends[batch]));
      const samples = Math.min(maxSamples, ...clips.map((clip) => lengths[clip]!));
      const starts = clips.map((clip) => cropStart({ seed, epoch, clip, length: lengths[clip]!, samples }));
      return { number, epoch, samples, clips, starts };
    },
  };
}

/** The first sample of a clip's crop in an epoch, uniform over 0 to length - samples. */
export function cropStart(crop: { seed: number; epoch: number; clip: number; length: number; samples: number }): number {
  return Math.floor(drawsFor(crop.seed, "crops", crop.epoch, crop.clip)() * (crop.length - crop.samples + 1));
}

/** The numbers of a rank's batches: first + rank, first + rank + ranks, … below `end`. Ranks never share a batch and none is lost; steps may span
 *  the end of an epoch, so that all ranks take the same number. @throws ConfigError for a rank that is not below `ranks`. */
export function* rankBatches({ first = 0, end = Number.POSITIVE_INFINITY, rank = 0, ranks = 1 }: RankOptions): Generator<number> {
  if (!Number.isSafeInteger(ranks) || !Number.isSafeInteger(rank) || rank < 0 || rank >= ranks) {
    throw new ConfigError(`There is no rank ${rank} of ${ranks}: ranks count from 0 to ${ranks - 1}.`);
  }
  for (let number = first + rank; number < end; number += ranks) yield number;
}

/** Which batches of the sequence a rank takes. */
export interface RankOptions {
  readonly rank?: number | undefined;
  readonly ranks?: number | undefined;
  /** The first batch, over all ranks: steps done × ranks, to resume. The number of ranks may have changed since. */
  readonly first?: number | undefined;
  /** The sequence ends before this batch: a plan's `batches` give one epoch. Default: it never ends. */
  readonly end?: number | undefined;
}
