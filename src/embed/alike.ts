// Batches of similar lengths: every clip of a batch is padded to the longest one, so similar lengths waste the least.

/** How many batches of decoded clips are held to choose similar lengths from. */
export const waitingBatches = 4;

/** Removes from `pool` a batch of `count` clips: the first one, which has waited longest, and the clips nearest to it in length. No clip
 *  waits for ever. */
export function takeAlike<Item>(pool: Item[], count: number, lengthOf: (item: Item) => number): Item[] {
  if (pool.length <= count) return pool.splice(0);
  const oldest = pool[0]!;
  const sorted = [...pool].sort((a, b) => lengthOf(a) - lengthOf(b));
  const at = sorted.indexOf(oldest);
  let best = Math.max(0, at - count + 1);
  const spread = (start: number) => lengthOf(sorted[start + count - 1]!) - lengthOf(sorted[start]!);
  for (let start = best; start <= Math.min(at, sorted.length - count); start++) if (spread(start) < spread(best)) best = start;
  const taken = new Set(sorted.slice(best, best + count));
  const chosen = pool.filter((item) => taken.has(item));
  pool.splice(0, pool.length, ...pool.filter((item) => !taken.has(item)));
  return chosen;
}
