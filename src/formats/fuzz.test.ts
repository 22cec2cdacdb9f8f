import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goldenPath } from "../../test/golden.ts";
import { type ByteSource, memorySource } from "../base/byte-source.ts";
import { OstinatoError } from "../base/errors.ts";
import { seeded } from "../base/random.ts";
import { readNpy } from "./npy.ts";
import { openSafetensors } from "./safetensors.ts";
import type { TensorFile } from "./tensor-file.ts";
import { openTorch } from "./torch/open.ts";

const rng = seeded(20_261_120);
const below = (n: number) => Math.floor(rng() * n);

/** One to four small damages: a flipped bit, a random or extreme byte, a run cut out, doubled, or the end lost. */
function damaged(bytes: Uint8Array): Uint8Array {
  let file = bytes.slice();
  for (let count = 1 + below(4); count > 0 && file.length > 1; count--) {
    const at = below(file.length);
    const run = file.subarray(at, at + 1 + below(16));
    const kind = below(8);
    if (kind === 0) file = file.slice(0, at);
    else if (kind === 1) file = Uint8Array.from([...file.subarray(0, at), ...file.subarray(at + run.length)]);
    else if (kind === 2) file = Uint8Array.from([...file.subarray(0, at), ...run, ...file.subarray(at)]);
    else if (kind < 5) file[at]! ^= 1 << below(8);
    else file[at] = [0, 255, 0x7f, below(256)][below(4)]!;
  }
  return file;
}

async function readAll(opening: Promise<TensorFile>): Promise<void> {
  const file = await opening;
  for (const name of file.tensors.keys()) await file.read(name);
}

const cases: [string, (source: ByteSource) => Promise<unknown>][] = [
  ["P_checkpoints/safetensors/dtypes.safetensors", (source) => readAll(openSafetensors(source))],
  ["P_checkpoints/good/dtypes_views_torch2.pt", (source) => readAll(openTorch(source))],
  ["P_checkpoints/good/dtypes_views_legacy_torch2.pt", (source) => readAll(openTorch(source))],
  ["P_checkpoints/good/protocol4.pt", (source) => readAll(openTorch(source))],
  ["P_checkpoints/good/handmade_minimal.pt", (source) => readAll(openTorch(source))],
  ["E_cqt/sr16000_84bins/kernel_lengths.npy", readNpy],
];
const mutations = 100;

test.each(cases)("%s, damaged anyhow, opens or is refused with one of our errors", async (name, open) => {
  const bytes = new Uint8Array(readFileSync(goldenPath(name)));
  const before = process.memoryUsage().rss;
  let refused = 0;
  for (let i = 0; i < mutations; i++) {
    try {
      await open(memorySource(damaged(bytes), name));
    } catch (error) {
      if (!(error instanceof OstinatoError)) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(mutations / 10);
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
});
