// Ahead: start work on the next few items while the present one is being used.

/** Runs `start` on each item in order, at most `ahead` items beyond the one that was asked for, and gives what came of each.
 *  Results must not reject: let `start` turn failures into values. When the reader stops early, what was started is awaited. */
export async function* runAhead<Item, Result>(
  items: Iterable<Item>,
  ahead: number,
  start: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const started: Promise<Result>[] = [];
  const iterator = items[Symbol.iterator]();
  try {
    for (;;) {
      while (started.length <= ahead) {
        const next = iterator.next();
        if (next.done) break;
        started.push(start(next.value));
      }
      const first = started.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(started);
  }
}
