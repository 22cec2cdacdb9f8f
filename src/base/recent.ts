// Recent: things that are dear to make, kept while they are in use.

/** Makes a thing for a key, keeping the `count` used last; what falls out is handed to `drop`. One that could not be made is not kept. */
export function recent<T>(count: number, make: (key: string) => Promise<T>, drop: (thing: T) => unknown = () => {}) {
  const kept = new Map<string, Promise<T>>();
  return (key: string): Promise<T> => {
    const thing = kept.get(key) ?? make(key);
    kept.delete(key);
    kept.set(key, thing); // the last used stands last
    thing.catch(() => kept.get(key) === thing && kept.delete(key));
    if (kept.size > count) {
      const [oldest] = kept;
      kept.delete(oldest![0]);
      oldest![1].then(drop).catch(() => {}); // it told its user
    }
    return thing;
  };
}
