// Random numbers: seeded, and always passed as an argument.
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** The next number in [0, 1), with 32 random bits. */
export type Rng = () => number;

/** Numbers that can be permuted: an array or a typed array. */
type MutableList = number[] | Int32Array | Uint32Array | Float32Array;

/** A generator whose whole sequence follows from the seed. */
export function seeded(seed: number): Rng {
  const generator = xoroshiro128plus(seed);
  for (let i = 0; i < 16; i++) generator.next(); // sequences of neighbouring seeds differ only after a few steps
  return () => (generator.next() >>> 0) / 2 ** 32;
}

/** Permutes the entries from `from` up to `to` at random, in place. */
export function shuffle<List extends MutableList>(rng: Rng, list: List, from = 0, to = list.length): List {
  shuffleBy(rng, to - from, (i, j) => {
    const held = list[from + i]!;
    list[from + i] = list[from + j]!;
    list[from + j] = held;
  });
  return list;
}

/** Permutes `count` items of any kind at random (Fisher and Yates); `swap` exchanges two of them by index. */
export function shuffleBy(rng: Rng, count: number, swap: (i: number, j: number) => void): void {
  for (let i = count - 1; i > 0; i--) swap(i, Math.floor(rng() * (i + 1)));
}

/** Fills `out` with normally distributed numbers of mean 0 (Box and Muller, two at a time). */
export function fillGaussian(rng: Rng, out: Float32Array, std = 1): Float32Array {
  for (let i = 0; i < out.length; i += 2) {
    const radius = std * Math.sqrt(-2 * Math.log(1 - rng()));
    const angle = 2 * Math.PI * rng();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}
