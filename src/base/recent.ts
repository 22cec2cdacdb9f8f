// Recent: a cache of the values used last, which are expensive to create and may have to be disposed of.

export interface RecentOptions<T> {
  /** How many values are kept at most, unless more are in use. */
  readonly kept: number;
  /** Disposes of a value that fell out, once nobody uses it any more. */
  readonly dispose?: (value: T) => unknown;
}

/** A cache that disposes of the values unused for longest. Values are lent, so none is disposed of while somebody works with it. */
export interface Recent<T> {
  /** Runs `work` on the value of `key`, which `create` makes where it is not kept. Calls for one key share one value, also while it is
   *  being made; one that could not be made is not kept. @throws what `create` and `work` throw. */
  use<Result>(key: string, create: () => Promise<T>, work: (value: T) => Result | Promise<Result>): Promise<Result>;
  /** Disposes of every value, of those in use when their work ends. Later calls make them anew. */
  clear(): Promise<void>;
}

interface Entry<T> {
  readonly value: Promise<T>;
  users: number;
  dropped: boolean;
}

export function recent<T>({ kept, dispose = () => {} }: RecentOptions<T>): Recent<T> {
  const entries = new Map<string, Entry<T>>(); // in the order of last use

  const drop = async (key: string, entry: Entry<T>) => {
    if (entries.get(key) === entry) entries.delete(key);
    if (entry.dropped) return;
    entry.dropped = true;
    await entry.value.then(dispose, () => {}); // whoever asked for it has the error
  };
  const dropIdle = async () => {
    const idle = [...entries].filter(([, { users }]) => users === 0);
    for (const [key, entry] of idle.slice(0, Math.max(0, entries.size - kept))) await drop(key, entry);
  };
  return {
    async use(key, create, work) {
      const entry = entries.get(key) ?? { value: create(), users: 0, dropped: false };
      entries.delete(key);
      entries.set(key, entry);
      entry.users++;
      let failed = true;
      try {
        const value = await entry.value;
        failed = false;
        await dropIdle();
        return await work(value);
      } finally {
        entry.users--;
        if (failed && entries.get(key) === entry) entries.delete(key);
        else if (entry.users === 0 && entries.get(key) !== entry) await drop(key, entry);
        else await dropIdle();
      }
    },
    async clear() {
      const all = [...entries];
      entries.clear();
      for (const [key, entry] of all) if (entry.users === 0) await drop(key, entry);
    },
  };
}
