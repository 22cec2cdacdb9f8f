import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NotFoundError } from "../base/errors.ts";
import { resolveModel } from "./resolve.node.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-local-"));
});
afterAll(() => rm(root, { recursive: true }));

async function folder(name: string, files: Record<string, string>): Promise<string> {
  const path = join(root, name);
  await mkdir(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
  return path;
}

test("a folder in Hugging Face's layout is returned as it is, with the licence of its card", async () => {
  const path = await folder("mine", {
    "config.json": "{}",
    "preprocessor_config.json": "{}",
    "model.safetensors": "",
    "pytorch_model.bin": "",
    "old.pt": "",
    "README.md": "---\nlicense: apache-2.0\n---\n",
  });
  expect(await resolveModel(path)).toEqual({
    name: path,
    folder: path,
    files: {
      config: join(path, "config.json"),
      preprocessor: join(path, "preprocessor_config.json"),
      weights: [join(path, "model.safetensors")],
    },
    licence: { name: "apache-2.0", nonCommercial: false },
  });
});

test("shards come in order, with their index; a missing one is named", async () => {
  const shards = { "model-00002-of-00002.safetensors": "", "model-00001-of-00002.safetensors": "" };
  const path = await folder("sharded", { "config.json": "{}", "model.safetensors.index.json": "{}", ...shards });
  const { files } = await resolveModel(path);
  expect(files.index).toBe(join(path, "model.safetensors.index.json"));
  expect(files.weights).toEqual([join(path, "model-00001-of-00002.safetensors"), join(path, "model-00002-of-00002.safetensors")]);
  await rm(join(path, "model-00002-of-00002.safetensors"));
  await expect(resolveModel(path)).rejects.toThrow("has 1 of the 2 shards of model.safetensors");
});

test("a folder with one fairseq checkpoint needs no config.json; with two it asks which", async () => {
  const path = await folder("fairseq", { "checkpoint_best.pt": "" });
  expect((await resolveModel(path)).files).toEqual({ weights: [join(path, "checkpoint_best.pt")] });
  await writeFile(join(path, "checkpoint_last.pt"), "");
  await expect(resolveModel(path)).rejects.toThrow("several checkpoints (checkpoint_best.pt, checkpoint_last.pt)");
});

test("a single checkpoint file is returned with the config.json beside it, a .pt without", async () => {
  const path = await folder("single", { "config.json": "{}", "weights.safetensors": "", "fairseq.pt": "" });
  expect((await resolveModel(join(path, "weights.safetensors"))).files).toEqual({
    config: join(path, "config.json"),
    weights: [join(path, "weights.safetensors")],
  });
  expect((await resolveModel(join(path, "fairseq.pt"))).files).toEqual({ weights: [join(path, "fairseq.pt")] });
});

test("a folder named like a registered model brings that model's facts, a snapshot of the cache too", async () => {
  const files = { "config.json": "{}", "pytorch_model.bin": "" };
  const byHand = await resolveModel(await folder("music2vec-v1", files));
  expect(byHand.registryEntry?.inputNormalisation).toBe(true);
  const snapshot = await resolveModel(await folder(`models--m-a-p--MERT-v1-330M/snapshots/${"a".repeat(40)}`, files));
  expect(snapshot.registryEntry?.layers).toBe(24);
  expect(snapshot.licence?.nonCommercial).toBe(true);
});

test("a folder that is no model says what was looked for and what was found", async () => {
  const empty = await folder("empty", {});
  await expect(resolveModel(empty)).rejects.toThrow("found nothing");
  const weightsOnly = await folder("no-config", { "model.safetensors": "" });
  await expect(resolveModel(weightsOnly)).rejects.toThrow("no config.json: put its config.json beside it");
  const other = await folder("other", { "notes.txt": "" });
  await expect(resolveModel(other)).rejects.toThrow("found only notes.txt");
  await expect(resolveModel(join(other, "notes.txt"))).rejects.toThrow(NotFoundError);
});
