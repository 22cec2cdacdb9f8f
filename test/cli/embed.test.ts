// `ostinato embed` on a corpus: skipping, resuming, partial failures, interruption, and JSON output.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toFloat32 } from "../../src/base/host-tensor.ts";
import { parseNpy } from "../../src/formats/npy.ts";
import { maxDifference } from "../fixtures/golden.ts";
import { writeSong, writeTinyModel } from "../fixtures/tiny-model.ts";
import { ostinato } from "./run.ts";

let folder: string;
let model: string;
let music: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-cli-"));
  model = await writeTinyModel(join(folder, "model"));
  music = join(folder, "music");
  for (const [i, name] of ["a.wav", "b.wav", "disc2/a.wav"].entries())
    await writeSong(join(music, name), { seed: i, seconds: 0.5 + i / 4 });
});
afterAll(() => rm(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const embed = (out: string, ...more: string[]) => ostinato(["embed", music, "--model", model, "--out", at(out), ...more]);
const npyFiles = async (out: string) => (await readdir(at(out), { recursive: true })).filter((name) => name.endsWith(".npy")).sort();

test("a folder becomes one npy a file with its provenance beside it, and a second run skips them all", async () => {
  const first = await embed("out");
  expect(first.stderr).toContain("are licensed under cc-by-nc-4.0, which forbids commercial use");
  expect(first.stderr).toContain("input normalisation: on (preprocessor_config.json)");
  expect(first.stderr).toContain("resampled to 24000 Hz: 3 files from 44100 Hz");
  expect(first.code).toBe(0);
  expect(await npyFiles("out")).toEqual(["a.npy", "b.npy", "disc2/a.npy"]);
  const { dtype, shape } = parseNpy(await readFile(at("out/b.npy")));
  expect({ dtype, shape }).toEqual({ dtype: "float32", shape: [4, 56, 16] });
  const provenance = JSON.parse(await readFile(at("out/b.json"), "utf8")) as Record<string, unknown>;
  expect(provenance).toMatchObject({
    shape: [4, 56, 16],
    model: { family: "mert", licence: { name: "cc-by-nc-4.0" } },
    source: { sampleRateHz: 44_100, format: "wav" },
    engine: { name: "onnx" },
    settings: { pooling: "none", dtype: "fp32", inputNormalisation: { on: true, source: "preprocessor_config.json" } },
  });
  const before = (await stat(at("out/b.npy"))).mtimeMs;
  const second = await embed("out");
  expect(second.code).toBe(0);
  expect(second.stderr).toContain("3 skipped, already finished");
  expect((await stat(at("out/b.npy"))).mtimeMs).toBe(before);
});

test("outputs of other settings are not overwritten unless asked", async () => {
  await embed("settings");
  const other = await embed("settings", "--pooling", "mean");
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('error: The output "a" was made with other settings: pooling none there and mean here. Give --overwrite');
  expect(parseNpy(await readFile(at("settings/a.npy"))).shape).toHaveLength(3);
  expect((await embed("settings", "--pooling", "mean", "--overwrite")).code).toBe(0);
  expect(parseNpy(await readFile(at("settings/a.npy"))).shape).toEqual([4, 16]);
});

test("outputs of another model are refused with the names of both", async () => {
  const other = await writeTinyModel(at("other"));
  const weights = await readFile(join(other, "model.safetensors"));
  weights[weights.length - 1]! ^= 1;
  await writeFile(join(other, "model.safetensors"), weights);
  await embed("models");
  const { code, stderr } = await ostinato(["embed", music, "--model", other, "--out", at("models")]);
  expect(code).toBe(2);
  expect(stderr).toContain(`was made with other settings: model ${model} there and ${other} here.`);
});

test("--layers recommended gives one vector of length 1 for each file", async () => {
  const { code, stderr } = await embed("vectors", "--layers", "recommended", "--pooling", "mean");
  expect(stderr).toContain(`The mean over all 4 hidden states of ${model} is taken: no measurement names a best layer yet.`);
  expect(code).toBe(0);
  const array = parseNpy(await readFile(at("vectors/a.npy")));
  expect(array.shape).toEqual([1, 16]);
  expect(Math.hypot(...toFloat32(array))).toBeCloseTo(1, 5);
});

test("a bad file among many is named and counted while the others are embedded", async () => {
  await writeFile(join(music, "bad.mp3"), "no sound at all\n");
  try {
    const { code, stderr } = await embed("partly");
    expect(code).toBe(1);
    expect(stderr).toContain(`failed: ${join(music, "bad.mp3")} is text, not audio`);
    expect(stderr).toContain("3 files embedded");
    expect(await npyFiles("partly")).toEqual(["a.npy", "b.npy", "disc2/a.npy"]);
  } finally {
    await rm(join(music, "bad.mp3"));
  }
});

test("--json prints one object a file on stdout and nothing else", async () => {
  const { stdout, code } = await ostinato(["embed", music, at("gone.wav"), "--model", model, "--out", at("json"), "--json"]);
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ status }) => status)).toEqual(["done", "done", "done", "failed"]);
  expect(lines[0]).toMatchObject({ file: join(music, "a.wav"), output: at("json/a.npy"), shape: [4, 37, 16], frames: 37, seconds: 0.5 });
  expect(lines[3]).toMatchObject({ file: at("gone.wav"), kind: "NotFoundError" });
  expect(code).toBe(1);
});

test("- reads a file from stdin", async () => {
  const { code, stderr } = await ostinato(["embed", "-", "--model", model, "--out", at("stdin"), "--layers", "last"], {
    input: await readFile(join(music, "a.wav")),
  });
  expect(stderr).toContain("1 file embedded");
  expect(code).toBe(0);
  expect(parseNpy(await readFile(at("stdin/stdin.npy"))).shape).toEqual([1, 37, 16]);
});

test.each(["npz", "jsonl", "parquet"])("%s is resumed as npy is", async (format) => {
  expect((await embed(format, "--format", format, "--pooling", "mean")).stderr).toContain("3 files embedded");
  const second = await embed(format, "--format", format, "--pooling", "mean");
  expect(second.stderr).toContain("3 skipped");
  expect(second.code).toBe(0);
});

test("batches equal single runs", async () => {
  await embed("single");
  await embed("batched", "--batch-size", "3");
  for (const name of await npyFiles("single")) {
    const [one, many] = [parseNpy(await readFile(at(`single/${name}`))), parseNpy(await readFile(at(`batched/${name}`)))];
    expect(many.shape).toEqual(one.shape);
    expect(maxDifference(toFloat32(many), toFloat32(one))).toBeLessThan(1e-4);
  }
});

test("Ctrl-C finishes the current file, leaves finished files intact, and exits with 130; the next run does the rest", async () => {
  const long = at("long");
  for (let i = 0; i < 12; i++) await writeSong(join(long, `${String(i).padStart(2, "0")}.wav`), { seed: i, seconds: 4 });
  const args = ["embed", long, "--model", model, "--out", at("interrupted")];
  let pressed = false;
  const ended = await ostinato(args, {
    onStderr: (text, kill) => {
      if (pressed || !text.includes("01.npy")) return;
      pressed = true;
      kill("SIGINT");
    },
  });
  expect(ended.code).toBe(130);
  expect(ended.stderr).toMatch(/\d+ files embedded .*; \d+ not started/);
  const files = await readdir(at("interrupted"));
  expect(files.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  const finished = files.filter((name) => name.endsWith(".npy"));
  expect(finished.length).toBeGreaterThanOrEqual(2);
  expect(finished.length).toBeLessThan(12);
  for (const name of finished) expect(parseNpy(await readFile(at(`interrupted/${name}`))).shape).toEqual([4, 299, 16]);
  const rest = await ostinato(args);
  expect(rest.code).toBe(0);
  expect(rest.stderr).toContain(`${12 - finished.length} files embedded`);
  expect(rest.stderr).toContain(`${finished.length} skipped`);
});
