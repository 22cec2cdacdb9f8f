// Batches of similar lengths: a batch costs what its longest clip costs, so clips of one length had better share one.

/** How many batches' worth of decoded clips wait for companions. */
export const waitingBatches = 4;

/** Takes out of `pool` the `count` clips nearest in length among which the one is that waits longest (the first), so that none waits for ever. */
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
