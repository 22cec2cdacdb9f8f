// Shard plan: in which order shards are read, and which batches are made of what was read, for any batch of an endless row.
//
// An epoch is all segments (runs of neighbours in a shard) in random order. Epoch after epoch they make one row of clips; a pool is the next so
// many of it, and gives a fixed number of batches. So a step's place in the data is arithmetic, whatever lengths the clips have.
import { ConfigError } from "../../base/errors.ts";
import { shuffle } from "../../base/random.ts";
import { drawsFor } from "../batches/draws.ts";
import { cropStart, type PlanRules } from "../batches/plan.ts";
import type { ShardClip } from "./shards.ts";

/** As `PlanRules`, for clips that lie in shards: read in runs, shuffled in pools. */
export interface ShardRules extends Omit<PlanRules, "shuffle" | "maxClips"> {
  /** Clips that are read from a shard in one go. More make fewer requests, and neighbours more alike. */
  readonly segmentClips?: number | undefined;
  /** Batches that are made of one pool. A pool's crops are in memory, and the next one's. */
  readonly poolBatches?: number | undefined;
}

/** Neighbours in a shard, read one after another. */
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
  /** The segments of pool `number`, cut where pools meet. */
  pool(number: number): Segment[];
}

/** Plans pools over shards of these numbers of clips. A batch holds as many clips as fit it at full length, cut to the multiple.
 *  @throws ConfigError when not one crop fits a batch. */
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
  /** An epoch's segments in their order, and where each ends among its clips. */
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

/** Index of the first of ascending numbers that is above a value. */
function firstAbove(ascending: Float64Array, value: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A clip of a pool, in the epoch it is read for. */
export type PoolClip = ShardClip & { readonly epoch: number };

/** A batch of a pool: indices into the pool's clips, the length of the crops and the first sample of each. */
export interface PoolBatch {
  readonly rows: readonly number[];
  readonly samples: number;
  readonly starts: readonly number[];
}

/** Cuts a pool's clips into its batches: longest first, ties in random order, the batches shuffled. Clips under the minimum are left out,
 *  and the batches then share the rest evenly.
 *  @throws ConfigError when fewer clips are long enough than there are batches. */
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
