// Random numbers: seeded, and always passed as an argument.
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** The next number in [0, 1), with 32 random bits. */
export type Rng = () => number;

/** A generator whose whole sequence the seed decides. */
export function seeded(seed: number): Rng {
  const generator = xoroshiro128plus(seed);
  for (let i = 0; i < 16; i++) generator.next(); // neighbouring seeds start alike; their sequences part within a few steps
  return () => (generator.next() >>> 0) / 2 ** 32;
}

/** Fills `out` with normal numbers of mean 0 (Box and Muller, two at a time). */
export function fillGaussian(rng: Rng, out: Float32Array, std = 1): Float32Array {
  for (let i = 0; i < out.length; i += 2) {
    const radius = std * Math.sqrt(-2 * Math.log(1 - rng()));
    const angle = 2 * Math.PI * rng();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}
