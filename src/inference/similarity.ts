// Similarity of vectors: cosines, and the nearest of many.
import { ConfigError } from "../base/errors.ts";

/** The cosine of the angle between two vectors, -1…1; 0 where one of them is all zeros. @throws ConfigError for different lengths. */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new ConfigError(`The vectors have ${a.length} and ${b.length} values. Compare vectors of one model.`);
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

/** A vector found by `topK`. */
export interface Neighbour {
  /** Place in the list. */
  readonly index: number;
  /** Cosine to the query. */
  readonly score: number;
}

/** The `k` vectors with the largest cosine to `query`, largest first; of equal ones the earlier first.
 *  @throws ConfigError for vectors of different lengths and for a `k` that is no whole number from 0. */
export function topK(query: Float32Array, vectors: Iterable<Float32Array>, k: number): Neighbour[] {
  if (!Number.isSafeInteger(k) || k < 0) throw new ConfigError(`k is ${k}. Give a whole number from 0.`);
  const neighbours = Array.from(vectors, (vector, index): Neighbour => ({ index, score: cosine(query, vector) }));
  return neighbours.sort((a, b) => b.score - a.score).slice(0, k);
}
