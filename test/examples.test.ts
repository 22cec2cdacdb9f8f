// Runs the examples unchanged with a tiny model and short music.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSong, writeTinyModel } from "./fixtures/tiny-model.ts";

const examples = fileURLToPath(new URL("../examples", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

let folder: string;
let model: string;
let song: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-examples-"));
  model = await writeTinyModel(join(folder, "model"));
  song = await writeSong(join(folder, "music", "song.wav"));
});
afterAll(() => rm(folder, { recursive: true }));

const expected: Readonly<Record<string, { args: () => string[]; prints: RegExp }>> = {
  "embed-a-file.ts": {
    args: () => [model, song],
    prints: /4 hidden states of 74 frames, 16 values each \(4736 in all\)\n1 s from 44100 Hz/,
  },
  "chosen-layers.ts": { args: () => [model, song], prints: /^layer 1: \[.*of 16\nlayer 2: \[/ },
  "weighted-average.ts": { args: () => [model, song], prints: /^unconstrained: \[16\].*\nsoftmax: \[16\]/ },
  "embed-a-folder.ts": {
    args: () => [model, join(folder, "music"), join(folder, "out")],
    prints: /song\.wav done: .*song\.npy \[1, 74, 16\]/,
  },
  "similar-songs.ts": { args: () => [model, song, join(folder, "music")], prints: /^1\.000 .*song\.wav\n$/ },
  "read-a-checkpoint.ts": { args: () => [model], prints: /^safetensors, \d+ tensors\n.*float32 \[/ },
};

test("every example has a test", async () => {
  // Those for the browser are tried there (test/browser).
  expect((await readdir(examples)).filter((name) => name.endsWith(".ts")).sort()).toEqual(Object.keys(expected).sort());
});

test.each(Object.entries(expected))("%s prints what it promises", async (name, { args, prints }) => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", tsx, join(examples, name), ...args()]);
  expect(stdout).toMatch(prints);
});
