// Audio fixtures: the committed files, temporary ones, and how alike two recordings are.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The path of a committed fixture, as in `fixturePath("music.mp3")`. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url));
}

export function fixtureBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fixturePath(name)));
}

/** A temporary folder: `write` puts a file there and tells its path, `remove` takes it all away. */
export function temporaryFolder(): { write(name: string, bytes: Uint8Array | string): string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "ostinato-audio-"));
  return {
    write(name, bytes) {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return path;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Correlation, -1…1, of `a` with `b` moved `lag` samples later. */
export function correlation(a: Float32Array, b: Float32Array, lag: number): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = Math.max(0, lag); i < Math.min(a.length, b.length + lag); i++) {
    ab += a[i]! * b[i - lag]!;
    aa += a[i]! ** 2;
    bb += b[i - lag]! ** 2;
  }
  return ab / (Math.sqrt(aa * bb) || 1);
}

/** The lag within ± `range` at which two recordings agree best, and how well. */
export function bestLag(a: Float32Array, b: Float32Array, range: number): { lag: number; correlation: number } {
  let best = { lag: 0, correlation: Number.NEGATIVE_INFINITY };
  for (let lag = -range; lag <= range; lag++) {
    const value = correlation(a, b, lag);
    if (value > best.correlation) best = { lag, correlation: value };
  }
  return best;
}
