// Dice: random draws from lists, ranges and weights. The generator is an argument; only exact arithmetic is used.
import { type Rng, seeded } from "../base/random.ts";
import { exp2, log2 } from "./exact-math.ts";

export function pick<T>(rng: Rng, list: readonly T[]): T {
  return list[Math.floor(rng() * list.length)]!;
}

/** Uniform in [low, high). */
export function between(rng: Rng, low: number, high: number): number {
  return low + (high - low) * rng();
}

/** Log-uniform in [low, high): for frequencies, times and other ratios. */
export function betweenLog(rng: Rng, low: number, high: number): number {
  return exp2(between(rng, log2(low), log2(high)));
}

export function chance(rng: Rng, probability: number): boolean {
  return rng() < probability;
}

/** One of the keys, drawn in proportion to its weight. */
export function weighted<K extends string>(rng: Rng, weights: Readonly<Partial<Record<K, number>>>): K {
  const entries = Object.entries(weights) as [K, number][];
  let left = rng() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [key, weight] of entries) {
    left -= weight;
    if (left < 0) return key;
  }
  return entries.at(-1)![0];
}

/** Approximately normal with mean 0: the sum of four uniform numbers, at most 3.5 deviations from 0. */
export function bell(rng: Rng, deviation: number): number {
  return (rng() + rng() + rng() + rng() - 2) * Math.sqrt(3) * deviation;
}

/** The FNV-1a hash of a text with one more mixing step: 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The last characters hardly reach the upper bits without this step.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** A generator seeded by a name. Each purpose has its own, so that an additional draw in one place changes no other. */
export function seededBy(...what: readonly (string | number)[]): Rng {
  return seeded(hashText(what.join("/")) | 0);
}
