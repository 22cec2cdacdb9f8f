import { readFileSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { goldenPath } from "../../test/fixtures/golden.ts";
import { memorySource } from "../base/byte-source.ts";
import { NotFoundError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.node.ts";
import { hostTensor } from "../base/host-tensor.ts";
import { safetensorsChunks } from "../formats/safetensors.ts";
import { namedTensors } from "../formats/tensor-file.ts";
import { torchZipChunks } from "../formats/torch/write.ts";
import { openCheckpointFolder, openCheckpointPath } from "./read.node.ts";
import { openCheckpoint } from "./read.ts";

const golden = (file: string) => openCheckpoint(memorySource(new Uint8Array(readFileSync(goldenPath(`P_checkpoints/${file}`))), file));
const text = (content: string) => openCheckpoint(memorySource(new TextEncoder().encode(content), "model.bin"));

test.each([
  ["safetensors/ok_unpadded_header.safetensors", "safetensors"],
  ["good/pytorch_model_torch2.bin", "torch"],
  ["good/pytorch_model_legacy.bin", "torch"],
  ["good/fairseq_torch113.pt", "fairseq"],
  ["good/fairseq_legacy.pt", "fairseq"],
])("%s is known for %s by its bytes", async (file, format) => {
  expect((await golden(file)).format).toBe(format);
});

test.each([
  ["bad/git_lfs_pointer.bin", /is a git-lfs pointer to a file of \d+ bytes, not the file itself/],
  ["bad/html_error_page.bin", /is a web page, not a checkpoint/],
  ["bad/empty.pt", /is empty: its download failed/],
  ["bad/malicious_inst.pkl", /no checkpoint that can be read \(safetensors, torch or fairseq\): it begins with 28/],
])("%s is named for what it is", async (file, message) => {
  await expect(golden(file)).rejects.toThrow(message);
});

test("other kinds of files are named in the error", async () => {
  await expect(text('{"weight_map": {}}')).rejects.toThrow("JSON text, not a checkpoint. A sharded checkpoint opens by its folder");
  await expect(text(`${"x".repeat(257)}ustar`)).rejects.toThrow("a tar archive");
  await expect(text("\x93NUMPY")).rejects.toThrow("no checkpoint");
});

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-checkpoint-"));
});
afterAll(() => rm(root, { recursive: true }));
const folder = () => mkdtemp(join(root, "model-"));
/** The names in a checkpoint at `path`. */
async function namesIn(path: string): Promise<string[]> {
  const file = await openCheckpointPath(path);
  await file.close();
  return [...file.tensors.keys()];
}
const one = (value: number) => hostTensor(Float32Array.of(value), [1]);
const writeOne = (path: string, name: string, value: number) => writeAtomic(path, safetensorsChunks(namedTensors([[name, one(value)]])));

test("a folder opens by model.safetensors before pytorch_model.bin, and by that before others", async () => {
  const path = await folder();
  await writeAtomic(join(path, "epoch_3.pt"), torchZipChunks({ c: one(3) }));
  expect(await namesIn(path)).toEqual(["c"]);
  await copyFile(goldenPath("P_checkpoints/good/pytorch_model_torch2.bin"), join(path, "pytorch_model.bin"));
  expect(await namesIn(path)).toContain("a.weight");
  await writeOne(join(path, "model.safetensors"), "a", 1);
  expect(await namesIn(path)).toEqual(["a"]);
});

test("shards are one checkpoint", async () => {
  const path = await folder();
  await writeOne(join(path, "model-00001-of-00002.safetensors"), "a", 1);
  await writeOne(join(path, "model-00002-of-00002.safetensors"), "b", 2);
  const weightMap = { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" };
  await writeFile(join(path, "model.safetensors.index.json"), JSON.stringify({ metadata: { total_size: 8 }, weight_map: weightMap }));
  const file = await openCheckpointFolder(path);
  expect([...file.tensors.keys()]).toEqual(["a", "b"]);
  expect(await file.read("b")).toEqual(one(2));
  await expect(file.read("q")).rejects.toThrow(NotFoundError);
  await file.close();
});

test("a wrong index, or one that points outside its folder, is refused", async () => {
  const path = await folder();
  const index = (map: object) => writeFile(join(path, "pytorch_model.bin.index.json"), JSON.stringify({ weight_map: map }));
  await writeOne(join(path, "shard"), "a", 1);
  await index({ b: "shard" });
  await expect(openCheckpointFolder(path)).rejects.toThrow("has no tensor b. ");
  await index({ a: "../shard" });
  await expect(openCheckpointFolder(path)).rejects.toThrow("a shard must lie in the same folder");
  await index({ a: "missing" });
  await expect(openCheckpointFolder(path)).rejects.toThrow("There is no file");
});

test("a folder without a checkpoint, or with several, says so", async () => {
  const path = await folder();
  await expect(openCheckpointFolder(path)).rejects.toThrow("holds no checkpoint (model.safetensors");
  await writeOne(join(path, "a.safetensors"), "a", 1);
  await writeOne(join(path, "b.safetensors"), "a", 1);
  await expect(openCheckpointFolder(path)).rejects.toThrow("several checkpoints (a.safetensors, b.safetensors): name one");
  await expect(openCheckpointPath(join(path, "none"))).rejects.toThrow(NotFoundError);
});
