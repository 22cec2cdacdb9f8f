// Batches of clips of similar lengths. They depend on the manifest alone: the other clips of a batch may change a code by rounding, so a resumed
// run must form the same batches as an uninterrupted one.
import { seeded, shuffle } from "../../base/random.ts";

/** Longest batch in seconds, padding included, unless a single clip is longer. */
const mostSeconds = 600;

export interface BatchRules {
  readonly sampleRateHz: number;
  /** Clips per batch. */
  readonly batchSize: number;
}

/** Clips by index in batches, each of similar lengths; the batches are in a fixed random order, so that the remaining time can be estimated early. */
export function labelBatches(lengths: readonly number[], { sampleRateHz, batchSize }: BatchRules): number[][] {
  const order = lengths.map((_, clip) => clip).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const batches: number[][] = [];
  for (let at = 0; at < order.length; ) {
    const fit = Math.floor((mostSeconds * sampleRateHz) / Math.max(1, lengths[order[at]!]!));
    const count = Math.max(1, Math.min(batchSize, fit));
    batches.push(order.slice(at, at + count).sort((a, b) => a - b));
    at += count;
  }
  const places = Int32Array.from(batches, (_, place) => place);
  return Array.from(shuffle(seeded(batches.length), places), (place) => batches[place]!);
}
