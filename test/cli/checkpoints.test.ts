// `ostinato models`, `inspect`, `convert` and `export`, and a model fetched from a hub by name.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeAtomic } from "../../src/base/files.node.ts";
import { torchZipChunks } from "../../src/formats/torch/write.ts";
import { type FakeHub, fakeHub } from "../fixtures/fake-hub.ts";
import { goldenPath } from "../fixtures/golden.ts";
import { writeSong, writeTinyModel } from "../fixtures/tiny-model.ts";
import { ostinato } from "./run.ts";

let folder: string;
let model: string;
let hub: FakeHub;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-checkpoints-"));
  model = await writeTinyModel(join(folder, "model"));
  const names = ["config.json", "preprocessor_config.json", "model.safetensors"];
  const files = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(model, name))] as const)));
  hub = await fakeHub({ "m-a-p/MERT-v1-95M": { commit: "b".repeat(40), files, large: ["model.safetensors"] } });
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);

test("inspect prints format, size, family and the largest tensors of a folder", async () => {
  const { stdout, code } = await ostinato(["inspect", model]);
  expect(stdout).toMatch(/format {4}safetensors\ntensors {3}\d+ \(\d+ float32\), [\d,]+ parameters, \d+ kB\n/);
  expect(stdout).toContain("family    mert: 3 layers of 16, 75 frames a second at 24000 Hz\n");
  expect(stdout).toContain("largest tensors");
  expect(code).toBe(0);
});

test("inspect --json --tensors is one object with every tensor", async () => {
  const { stdout } = await ostinato(["inspect", goldenPath("P_checkpoints/good/fairseq_torch2.pt"), "--json", "--tensors"]);
  const found = JSON.parse(stdout) as { format: string; tensors: number; list: { name: string; dtype: string; shape: number[] }[] };
  expect(found).toMatchObject({ format: "fairseq", config: "inside the file", tensors: 12 });
  expect(found.list).toHaveLength(12);
});

test("inspect knows a fairseq checkpoint from before hydra, which names its model by arch", async () => {
  const path = at("arch.pt");
  await writeAtomic(path, torchZipChunks({ args: { arch: "hubert", encoder_layers: 2 }, model: {} }));
  const { stdout } = await ostinato(["inspect", path]);
  expect(stdout).toContain("family    mert: 2 layers of 768, 50 frames a second at 16000 Hz\n");
});

test("inspect refuses a hostile checkpoint with exit code 1", async () => {
  const { stderr, code } = await ostinato(["inspect", goldenPath("P_checkpoints/bad/malicious_zip.pt")]);
  expect(stderr).toMatch(/^error: /);
  expect(stderr).not.toContain("    at ");
  expect(code).toBe(1);
});

test("convert writes fairseq and back, and the copy gives the same embeddings", async () => {
  const song = await writeSong(at("song.wav"));
  const there = await ostinato(["convert", model, at("model.pt")]);
  expect(there.stderr).toContain(`tensors → ${at("model.pt")}`);
  const back = await ostinato(["convert", at("model.pt"), at("back")]);
  expect(back.stderr).toContain("input normalisation in the written configuration: on (the fairseq checkpoint's task)");
  expect([there.code, back.code]).toEqual([0, 0]);
  await ostinato(["embed", song, "--model", model, "--out", at("one")]);
  await ostinato(["embed", song, "--model", at("back"), "--out", at("two")]);
  expect(Buffer.compare(await readFile(at("one/song.npy")), await readFile(at("two/song.npy")))).toBe(0);
});

test("a converted copy keeps its card, and with it the licence", async () => {
  await writeFile(join(model, "README.md"), "---\nlicense: cc-by-nc-4.0\n---\n");
  const { code } = await ostinato(["convert", model, at("licensed")]);
  await rm(join(model, "README.md"));
  expect(code).toBe(0);
  const { stderr } = await ostinato(["convert", at("licensed"), at("licensed.pt")]);
  expect(stderr).toContain("are licensed under cc-by-nc-4.0, which forbids commercial use");
});

test("export prints inputs and outputs", async () => {
  const { stderr, stdout, code } = await ostinato(["export", model, at("model.onnx"), "--layers", "last", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ input: "input_values", outputs: ["last_hidden_state"], normaliseInput: true });
  expect(stderr).toContain("input normalisation is on, to be done by the caller (preprocessor_config.json)");
  expect(code).toBe(0);
});

test("convert and export replace files only with --overwrite, and their source never", async () => {
  const exists = /error: .* exists\. Give --overwrite to replace it, or another output\./;
  const own = /error: .* is a file of the model that is read\. Give another output\./;
  const before = await readFile(join(model, "config.json"));
  for (const [args, refused] of [
    [["convert", model, at("kept.pt")], exists],
    [["convert", model, at("kept")], exists],
    [["export", model, at("kept.onnx")], exists],
    [["export", model, at("kept-web")], exists],
  ] as const) {
    expect((await ostinato([...args])).code).toBe(0);
    const again = await ostinato([...args]);
    expect(again.stderr).toMatch(refused);
    expect(again.code).toBe(2);
    expect((await ostinato([...args, "--overwrite"])).code).toBe(0);
  }
  for (const args of [
    ["convert", model, model],
    ["convert", at("kept.pt"), at("kept.pt")],
    ["export", model, model],
  ]) {
    const { code, stderr } = await ostinato([...args, "--overwrite"]);
    expect(stderr).toMatch(own);
    expect(code).toBe(2);
  }
  expect(await readFile(join(model, "config.json"))).toEqual(before);
});

test("download fetches a model into the cache, for later runs without a network", async () => {
  const args = ["MERT-v1-95M", "--cache-dir", at("image")];
  const { code, stdout, stderr } = await ostinato(["download", ...args], { env: { HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: "" } });
  expect(stderr).toMatch(/m-a-p\/MERT-v1-95M \(bbbbbbbbbbbb\): 3 files, \d+ kB\./);
  expect(stdout).toBe(`${at("image")}/models--m-a-p--MERT-v1-95M/snapshots/${"b".repeat(40)}\n`);
  expect(code).toBe(0);
  const json = await ostinato(["download", ...args, "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ name: "m-a-p/MERT-v1-95M", licence: { nonCommercial: true } });
});

test("a model of the hub is fetched once, its licence is printed, and it is listed as cached", async () => {
  const song = await writeSong(at("song.wav"));
  const cache = at("cache");
  const args = ["embed", song, "--model", "MERT-v1-95M", "--cache-dir", cache];
  const first = await ostinato([...args, "--out", at("hub")], { env: { HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: "" } });
  expect(first.stderr).toContain("fetching model.safetensors:");
  expect(first.stderr).toContain("are licensed under CC BY-NC 4.0, which forbids commercial use");
  expect(first.code).toBe(0);
  const second = await ostinato([...args, "--out", at("hub2"), "--local-files-only"], { env: { HF_ENDPOINT: "http://127.0.0.1:9" } });
  expect(second.stderr).not.toContain("fetching");
  expect(second.code).toBe(0);
  const models = await ostinato(["models", "--cache-dir", cache]);
  expect(models.stdout).toMatch(/m-a-p\/MERT-v1-95M .*CC BY-NC 4\.0 \(non-commercial\) {2}bbbbbbbbbbbb, \d+ kB/);
  const json = (await ostinato(["models", "--cache-dir", cache, "--json"])).stdout.trimEnd().split("\n");
  expect(json.map((line) => (JSON.parse(line) as { name: string }).name)).toContain("m-a-p/music2vec-v1");
});

test.each(["", "embed", "models", "inspect", "convert", "export", "demo"])("%s --help has an example", async (command) => {
  const { stdout, code } = await ostinato([...command.split(" ").filter(Boolean), "--help"]);
  expect(stdout).toMatch(/Examples?:\n {2}\$ ostinato /);
  expect(code).toBe(0);
});
