// Plan: which clips make which batch, and where they are cropped, for any batch of an endless row of epochs.
import { ConfigError } from "../../base/errors.ts";
import { shuffle } from "../../base/random.ts";
import { batchBySize, type SizeLimits } from "./by-size.ts";
import { drawsFor } from "./draws.ts";

/** How clips are cut and gathered into batches. */
export interface PlanRules extends SizeLimits {
  /** Crops are at most so long, in samples. */
  readonly maxSamples: number;
  /** Shorter clips are left out. */
  readonly minSamples?: number | undefined;
  /** What makes clips neighbours: their full length (MERT), or their length up to `maxSamples`, so that all longer ones tie (data2vec). */
  readonly order?: "length" | "crop" | undefined;
  /** All draws come from it. */
  readonly seed: number;
  /** Without: longest first, in the manifest's order, each epoch alike, crops too. For validation. */
  readonly shuffle?: boolean | undefined;
}

/** A batch before it is read. */
export interface PlannedBatch {
  /** Its place in the endless row. */
  readonly number: number;
  readonly epoch: number;
  /** Length of every crop: that of the shortest clip, at most `maxSamples`. */
  readonly samples: number;
  /** Indices of the clips, and the first sample of each crop. */
  readonly clips: readonly number[];
  readonly starts: readonly number[];
}

/** Batches without end, epoch after epoch, each of which can be had at once. */
export interface Plan {
  /** Batches of an epoch: every epoch has as many. */
  readonly batches: number;
  /** Clips of an epoch, each in one batch. */
  readonly clips: number;
  /** Clips left out because they are shorter than the minimum. */
  readonly short: number;
  /** Batch `number` of the row in which epoch follows epoch: a function of the rules and the number alone. A new epoch costs a shuffle,
   *  the batches in it nothing: going on at batch a million takes no longer than beginning. */
  at(number: number): PlannedBatch;
}

/** Plans the batches of clips of these lengths (samples, by index), as fairseq does: longest first, ties in random order, cut by size, the
 *  batches shuffled. fairseq draws the order of ties once for all epochs; here each epoch draws it anew, which moves no edge between
 *  batches, since the sizes stand in the same order.
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

/** Where a clip's crop begins in an epoch: each place from 0 to length - samples is equally likely. */
export function cropStart(crop: { seed: number; epoch: number; clip: number; length: number; samples: number }): number {
  return Math.floor(drawsFor(crop.seed, "crops", crop.epoch, crop.clip)() * (crop.length - crop.samples + 1));
}

/** The numbers of a rank's batches, from the number `first` of the row on: first + rank, first + rank + ranks, … up to `end`. So ranks never
 *  share a batch, none is lost, and all take as many: what is left over where an epoch ends, the next one fills. */
export function* rankBatches({ first = 0, end = Number.POSITIVE_INFINITY, rank = 0, ranks = 1 }: RankOptions): Generator<number> {
  if (!Number.isSafeInteger(ranks) || !Number.isSafeInteger(rank) || rank < 0 || rank >= ranks) {
    throw new ConfigError(`Rank ${rank} of ${ranks}: ranks count from 0 up to, but not including, their number.`);
  }
  for (let number = first + rank; number < end; number += ranks) yield number;
}

/** Which part of a row of batches is wanted. */
export interface RankOptions {
  readonly rank?: number | undefined;
  readonly ranks?: number | undefined;
  /** Where the row begins, for all ranks together: steps done × ranks, to go on. The number of ranks may have changed. */
  readonly first?: number | undefined;
  /** The row ends before this batch; a plan's `batches` for one pass. Never, when left out. */
  readonly end?: number | undefined;
}
