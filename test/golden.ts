// Golden data: what the original programs answered, for tests of every room. Its provenance: golden/PROVENANCE.md.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toFloat32 } from "../src/base/dtypes.ts";
import { parseNpy } from "../src/formats/npy.ts";

/** The path of a file or folder of golden data, as in `goldenPath("A_models/mert_95m_24k/config.json")`. */
export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
}

/** A golden npy array; masks and labels come as float32 too. */
export function goldenArray(name: string): { shape: readonly number[]; data: Float32Array } {
  const tensor = parseNpy(new Uint8Array(readFileSync(goldenPath(name))), name);
  return { shape: tensor.shape, data: toFloat32(tensor) };
}

/** A golden JSON file, of the shape that the test states. */
export function goldenJson<T>(name: string): T {
  return JSON.parse(readFileSync(goldenPath(name), "utf8")) as T;
}

/** The largest absolute difference of two arrays of one length; NaN where they differ in length. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = difference;
    if (Number.isNaN(worst)) return worst;
  }
  return worst;
}
