// Draws: counter-based random numbers, so that the draw of epoch 7 for clip 3 needs no earlier draw.
import { type Rng, seeded } from "../../base/random.ts";

/** Purposes of draws: those of different purposes are independent. */
export const purposes = { ties: 1, batches: 2, crops: 3, segments: 4, pools: 5 } as const;
export type Purpose = keyof typeof purposes;

/** The generator of a purpose under a seed; `place` are further coordinates (epoch, clip). All are integers from 0. */
export function drawsFor(seed: number, purpose: Purpose, ...place: readonly number[]): Rng {
  let state = 0;
  for (const number of [seed, purposes[purpose], ...place]) {
    state = mixed(state ^ (number >>> 0));
    state = mixed(state + Math.floor(number / 2 ** 32) + 0x9e3779b9);
  }
  return seeded(state | 0);
}

/** The finaliser of MurmurHash3: every bit of the result depends on every bit of x. */
function mixed(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
