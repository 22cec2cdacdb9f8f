// Ahead: start work on the next few items while the current one is being used.

export interface AheadOptions {
  /** Once it is aborted no further item is started; those that were are still delivered. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs `start` on each item in order, at most `ahead` items beyond the one that is waited for, and yields the results in the same order.
 *  When a result rejects or the reader stops early, everything that was started is awaited first. */
export async function* runAhead<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  ahead: number,
  start: (item: Item) => Promise<Result>,
  { signal }: AheadOptions = {},
): AsyncGenerator<Result> {
  const started: Promise<Result>[] = [];
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  try {
    for (;;) {
      while (started.length <= ahead && !signal?.aborted) {
        const next = await iterator.next();
        if (next.done) break;
        const result = start(next.value);
        result.catch(() => {}); // reported when its turn comes
        started.push(result);
      }
      const first = started.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(started);
    await iterator.return?.();
  }
}
