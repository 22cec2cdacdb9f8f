// Shard plan: the order in which shards are read, and the batches made of the clips read, for any batch of an endless sequence.
//
// An epoch is all segments (consecutive clips of a shard) in random order. The epochs form one sequence of clips, which is cut into pools of
// equal size, and each pool gives a fixed number of batches. So the clips of any step follow by arithmetic, whatever their lengths.
import { ConfigError } from "../../base/errors.ts";
import { shuffle } from "../../base/random.ts";
import { drawsFor } from "../batches/draws.ts";
import { cropStart, type PlanRules } from "../batches/plan.ts";
import type { ShardClip } from "./shards.ts";

/** As `PlanRules`, for clips in shards: they are read in segments and shuffled in pools. */
export interface ShardRules extends Omit<PlanRules, "shuffle" | "maxClips"> {
  /** Consecutive clips that are read from a shard at once; default 16. More make fewer requests, and batches that are less mixed. */
  readonly segmentClips?: number | undefined;
  /** Batches of a pool; default 32. Memory holds the crops of two pools. */
  readonly poolBatches?: number | undefined;
}

/** Consecutive clips of a shard. */
export interface Segment {
  readonly epoch: number;
  readonly shard: number;
  /** Clips `from` up to `to` of the shard. */
  readonly from: number;
  readonly to: number;
}

export interface PoolPlan {
  /** Clips of a full batch, and batches of a pool. */
  readonly batchClips: number;
  readonly poolBatches: number;
  /** Clips of an epoch. */
  readonly clips: number;
  /** The epoch in which the position of a pool's batch falls: it never decreases from one batch of a rank to the next. A batch at the end of an
   *  epoch may hold clips of both. */
  epochOf(pool: number, batch: number): number;
  /** The segments of pool `number`, cut at the pool's boundaries. */
  pool(number: number): Segment[];
}

/** Plans pools over shards with the given numbers of clips. A batch holds as many clips as fit at full length, cut to the multiple.
 *  @throws ConfigError when a single crop does not fit a batch. */
export function planPools(shardClips: readonly number[], rules: ShardRules): PoolPlan {
  const { batchSamples, maxSamples, multiple = 1, seed, segmentClips = 16, poolBatches = 32 } = rules;
  const fits = Math.floor(batchSamples / maxSamples);
  if (fits < 1) throw new ConfigError(`A crop of ${maxSamples} samples does not fit a batch of ${batchSamples}: raise batchSamples.`);
  const batchClips = fits < multiple ? fits : fits - (fits % multiple);
  const segments = shardClips.flatMap((clips, shard) =>
    Array.from({ length: Math.ceil(clips / segmentClips) }, (_, i) => ({
      shard,
      from: i * segmentClips,
      to: Math.min(clips, (i + 1) * segmentClips),
    })),
  );
  const clips = shardClips.reduce((sum, count) => sum + count, 0);
  const poolClips = batchClips * poolBatches;
  let drawn: { epoch: number; order: Int32Array; ends: Float64Array } | undefined;
  /** An epoch's segments in random order, and the cumulative number of clips after each. */
  const draw = (epoch: number) => {
    const order = shuffle(
      drawsFor(seed, "segments", epoch),
      Int32Array.from(segments, (_, i) => i),
    );
    let end = 0;
    const ends = Float64Array.from(order, (i) => {
      end += segments[i]!.to - segments[i]!.from;
      return end;
    });
    return { epoch, order, ends };
  };

  return {
    batchClips,
    poolBatches,
    clips,
    epochOf: (pool, batch) => Math.floor(((pool * poolBatches + batch) * batchClips) / clips),
    pool(number) {
      const taken: Segment[] = [];
      const end = (number + 1) * poolClips;
      for (let at = number * poolClips; at < end; ) {
        const epoch = Math.floor(at / clips);
        if (drawn?.epoch !== epoch) drawn = draw(epoch);
        const { order, ends } = drawn;
        const place = firstAbove(ends, at % clips);
        const { shard, to } = segments[order[place]!]!;
        const count = Math.min(end - at, ends[place]! - (at % clips));
        const from = to - (ends[place]! - (at % clips));
        taken.push({ epoch, shard, from, to: from + count });
        at += count;
      }
      return taken;
    },
  };
}

/** Index of the first of the ascending numbers that exceeds a value. */
function firstAbove(ascending: Float64Array, value: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A clip of a pool, with the epoch for which it is read. */
export type PoolClip = ShardClip & { readonly epoch: number };

/** A batch of a pool: indices into the pool's clips, the length of the crops, and the first sample of each. */
export interface PoolBatch {
  readonly rows: readonly number[];
  readonly samples: number;
  readonly starts: readonly number[];
}

/** Groups a pool's clips into batches: longest first, ties in random order, then the batches are shuffled. Too short clips are left out, and the
 *  others are distributed evenly over the batches.
 *  @throws ConfigError when there are fewer clips of sufficient length than batches. */
export function planPool(clips: readonly PoolClip[], number: number, { poolBatches }: PoolPlan, rules: ShardRules): PoolBatch[] {
  const { maxSamples, minSamples = 1, order = "length", seed } = rules;
  const long = Int32Array.from(clips.flatMap(({ samples }, i) => (samples >= minSamples ? [i] : [])));
  if (long.length < poolBatches) {
    throw new ConfigError(
      `Only ${long.length} of ${clips.length} clips have ${minSamples} samples, for ${poolBatches} batches. Lower minSamples, or give longer recordings.`,
    );
  }
  const rank = (i: number) => (order === "crop" ? Math.min(clips[i]!.samples, maxSamples) : clips[i]!.samples);
  const sorted = shuffle(drawsFor(seed, "pools", number, 0), long).sort((a, b) => rank(b) - rank(a)); // the sort is stable: ties stay shuffled
  const batches = shuffle(
    drawsFor(seed, "pools", number, 1),
    Int32Array.from({ length: poolBatches }, (_, i) => i),
  );
  return Array.from(batches, (batch) => {
    const edge = (i: number) => Math.floor((i * sorted.length) / poolBatches);
    const rows = Array.from(sorted.subarray(edge(batch), edge(batch + 1)));
    const samples = Math.min(maxSamples, ...rows.map((i) => clips[i]!.samples));
    const starts = rows.map((i) => cropStart({ seed, epoch: clips[i]!.epoch, clip: clips[i]!.clip, length: clips[i]!.samples, samples }));
    return { rows, samples, starts };
  });
}
