// Draws: random numbers by name, so that what epoch 7 draws for clip 3 is known without anything that came before.
import { type Rng, seeded } from "../../base/random.ts";

/** What a draw is for: draws of different purposes have nothing to do with each other. */
export const purposes = { ties: 1, batches: 2, crops: 3, segments: 4, pools: 5 } as const;
export type Purpose = keyof typeof purposes;

/** The generator of one purpose under a seed; `place` tells its uses apart (epoch, clip). All are whole numbers from 0. */
export function drawsFor(seed: number, purpose: Purpose, ...place: readonly number[]): Rng {
  let state = 0;
  for (const number of [seed, purposes[purpose], ...place]) {
    state = mixed(state ^ (number >>> 0));
    state = mixed(state + Math.floor(number / 2 ** 32) + 0x9e3779b9);
  }
  return seeded(state | 0);
}

/** The finaliser of MurmurHash3: each bit of the result hangs on all bits. */
function mixed(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
