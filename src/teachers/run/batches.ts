// Which clips are labelled together: those of similar lengths, in batches that follow from the manifest alone. A batch's company may move a
// code here and there by rounding, so a run that was killed and one that was not must form the same.
import { seeded, shuffle } from "../../base/random.ts";

/** A batch is at most so long, padding included, unless a single clip is longer. */
const mostSeconds = 600;

export interface BatchRules {
  readonly sampleRateHz: number;
  /** Clips of a batch. */
  readonly batchSize: number;
}

/** Clips by index in batches, each of similar lengths; the batches in a fixed random order, so that time left can be told early. */
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
