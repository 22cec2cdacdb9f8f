// `ostinato prepare` as a user runs it: over a corpus full of bad files, killed at many points, and told what is wrong.
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takeLock } from "../../src/base/lock.node.ts";
import { badFiles, goodFiles, songBytes, writeBadCorpus } from "../fixtures/damaged-recordings.ts";
import { fakeHub } from "../fixtures/fake-hub.ts";
import { folderContents } from "../fixtures/folder-contents.ts";
import { goldenPath } from "../fixtures/golden.ts";
import { ostinato } from "./run.ts";

let work: string;
const at = (...names: string[]) => join(work, ...names);
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "ostinato-prepare-"));
  await writeBadCorpus(at("music"));
  await writeFile(at("valid.txt"), "good/one.wav\ntruncated.wav\n"); // good/song.* are one recording in three encodings: they stay together
});
afterAll(() => rm(work, { recursive: true }));

/** Without ffmpeg, which would decode what is unsupported. */
const prepare = (args: readonly string[], env: Record<string, string> = {}) =>
  ostinato(["prepare", ...args], { env: { PATH: "", ...env } });
const codec = ["--labels", "codec", "--model", goldenPath("D_encodec/hf")];

describe("a corpus full of bad files", () => {
  test("is prepared to its end: each bad file is counted and named on the screen, the labels are fit for training", async () => {
    const { code, stderr } = await prepare(["all", at("music"), "--out", at("bad"), "--split-list", at("valid.txt"), ...codec]);
    expect(code).toBe(1); // some files failed, and are named
    for (const file of Object.keys(badFiles)) expect(stderr).toContain(file);
    expect(stderr).toContain("Left out, duplicate: 1\n  zz-again.wav has the same bytes as good/one.wav.");
    expect(stderr).toContain("truncated.wav: truncated after 2 s: the header promises 4 s");
    expect(stderr).toContain("No problems were found: training may begin.");
    const kept = (await Promise.all(["train", "valid"].map((split) => readFile(at("bad", `${split}.tsv`), "utf8")))).join("");
    for (const file of goodFiles) expect(kept).toContain(`${file}\t`);
    for (const file of Object.keys(badFiles)) expect(kept).not.toContain(`${file}\t`);
    expect((await readdir(at("bad"))).filter((name) => /partial|tmp|lock/.test(name))).toEqual([]);
  });

  test("--json prints one object a line: each file, the report, each clip, the report", async () => {
    const { stdout } = await prepare([
      "all",
      at("music"),
      "--out",
      at("json"),
      "--split-list",
      at("valid.txt"),
      "--convert",
      ...codec,
      "--json",
    ]);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const reasons = (lines.find(({ leftOut }) => leftOut) as { leftOut: Record<string, { path: string }[]> }).leftOut;
    expect(Object.fromEntries(Object.entries(reasons).flatMap(([reason, files]) => files.map(({ path }) => [path, reason])))).toEqual(
      badFiles,
    );
    expect(lines.filter(({ manifest, status }) => manifest && status === "done")).toHaveLength(goodFiles.length);
    expect(lines.at(-1)).toMatchObject({ label: "codec", codebooks: 8 });
  });
});

describe("killed at any point and run again, the outcome is that of an undisturbed run, byte for byte:", () => {
  const args = () => {
    const rvq = ["--labels", "rvq", "--stages", "2", "--size", "12", "--starts", "1", "--passes", "2", "--batch-size", "1"];
    return ["all", at("music"), "--out", at("data"), "--split-list", at("valid.txt"), "--sample-rate", "16000", "--convert", ...rvq];
  };
  const hook = `--import ${new URL("../fixtures/kill-at.mjs", import.meta.url).href}`;
  const killed = (n: number) => prepare(args(), { NODE_OPTIONS: hook, KILL_AT: String(n) });
  let whole: Record<string, string>;
  let touches: number;
  beforeAll(async () => {
    const { code, stderr } = await prepare(args(), { NODE_OPTIONS: hook });
    expect(stderr).toContain("No problems were found");
    expect(code).toBe(1);
    touches = Number(/^touched (\d+)$/m.exec(stderr)![1]);
    whole = await folderContents(at("data"));
    await rename(at("data"), at("whole"));
  });

  test("the undisturbed run touches files often enough to be cut anywhere", () => {
    expect(touches).toBeGreaterThan(100);
    expect(Object.keys(whole)).toEqual(
      expect.arrayContaining(["/train.rvq.codes", "/rvq.codebook.safetensors", "/manifest/audio/good/one.wav"]),
    );
  });

  test.each([0.05, 0.25, 0.45, 0.65, 0.85, 0.97])("once, after %f of its writes", async (share) => {
    await rm(at("data"), { recursive: true, force: true });
    expect((await killed(Math.round(share * touches))).code).toBe(null);
    const { stderr } = await prepare(args());
    expect(stderr).toContain("No problems were found");
    expect(await folderContents(at("data"))).toEqual(whole);
  });

  test("again and again, until it is through", async () => {
    await rm(at("data"), { recursive: true, force: true });
    let kills = 0;
    const step = Math.round(touches / 15); // each time a little later: what is written last is written in one go
    while ((await killed(step * (kills + 1))).code === null) expect(++kills).toBeLessThan(15);
    expect(kills).toBeGreaterThan(3);
    expect(await folderContents(at("data"))).toEqual(whole);
  }, 300_000);
});

test("EnCodec comes from the hub by its name where no other is given", async () => {
  const folder = goldenPath("D_encodec/hf");
  const files = Object.fromEntries(
    await Promise.all((await readdir(folder)).map(async (name) => [name, new Uint8Array(await readFile(join(folder, name)))])),
  );
  const hub = await fakeHub({ "facebook/encodec_24khz": { commit: "c".repeat(40), files, large: ["model.safetensors"] } });
  try {
    const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: at("huggingface"), HF_HUB_OFFLINE: "" };
    const { code, stderr } = await prepare(
      ["labels", at("bad/manifest"), "--out", at("hub"), "--labels", "codec", "--codebooks", "3", "--store", "text"],
      env,
    );
    expect(stderr).toContain("EnCodec, the first 3 of 8 codebooks");
    expect(code).toBe(1); // noise.flac
    const [ours, given] = (await Promise.all(["hub", "bad"].map((out) => readFile(at(out, "train.codec.json"), "utf8")))).map(
      (text) => JSON.parse(text) as { teacherHash: string },
    );
    expect(ours!.teacherHash).toBe(given!.teacherHash);
    expect(await readFile(at("hub/train.codec_2"), "utf8")).toBe(await readFile(at("bad/train.codec_2"), "utf8"));
  } finally {
    await hub.close();
  }
});

test("each step by itself, in shards too, and labels turned into their other form", async () => {
  await mkdir(at("shards"));
  await mkdir(at("few"));
  for (const i of [0, 1, 2]) await writeFile(at("few", `${i}.wav`), songBytes(i, 1));
  for (const i of [0, 1]) await writeFile(at("shards", `train_${i}_2.tsv`), `${at("few")}\n${i}.wav\t24000\n`);
  await writeFile(at("shards/valid.tsv"), `${at("few")}\n2.wav\t24000\n`);
  const without = await prepare(["labels", at("shards"), "--out", at("sharded"), ...codec]);
  expect([without.code, without.stderr]).toEqual([2, expect.stringContaining("Give it: --sample-rate 24000")]);
  const labels = await prepare(["labels", at("shards"), "--out", at("sharded"), ...codec, "--sample-rate", "24000", "--store", "text"]);
  expect(labels.stderr).toContain("train_1_2: 1 of 1 clips labelled");
  expect(labels.code).toBe(0);
  const names = await readdir(at("sharded"));
  expect(names).toEqual(expect.arrayContaining(["train_0_2.codec_0", "train_1_2.codec_7", "valid.codec_3", "dict.codec_7.txt"]));
  expect(names.filter((name) => name.endsWith(".codes"))).toEqual([]);
  expect((await prepare(["store", at("sharded"), "compact"])).code).toBe(0);
  expect(await readdir(at("sharded"))).toContain("train_1_2.codec.codes");
  const check = await prepare(["check", at("sharded"), "--codebooks", "8", "--label-rate", "75"]);
  expect([check.code, check.stderr]).toEqual([0, expect.stringContaining("No problems were found")]);
  await writeFile(at("sharded/dict.codec_3.txt"), "");
  const spoilt = await prepare(["check", at("sharded"), "--json"]);
  expect(spoilt.code).toBe(1);
  expect(JSON.parse(spoilt.stdout.split("\n")[0]!)).toMatchObject({
    check: "dictionary",
    message: expect.stringContaining("dict.codec_3.txt is empty"),
  });
});

test("a checkpoint that is no EnCodec, and one of another sample rate, are refused before any recording is read", async () => {
  const cases = [
    [["--labels", "codec", "--model", goldenPath("A_models/hubert_base_16k")], "model_type"],
    [["--sample-rate", "16000", ...codec], "Make the manifest with --sample-rate 24000"],
  ] as const;
  for (const [args, message] of cases) {
    const { code, stderr } = await prepare(["all", at("music"), "--out", at("refused"), ...args]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("files can be used");
    await expect(readdir(at("refused"))).rejects.toThrow("ENOENT");
  }
});

test("training prints its beginning and its end, not a line for each of its passes", async () => {
  const args = ["--labels", "kmeans", "--clusters", "4", "--starts", "1", "--passes", "40"];
  const { code, stderr } = await prepare(["labels", at("bad/manifest"), "--out", at("quiet"), ...args]);
  expect(code).toBe(1); // noise.flac
  expect(stderr.match(/^k-means of 4: .*$/gm)!.length).toBeLessThan(5);
  expect(stderr).toMatch(/^k-means of 4: pass \d+, \d+ steps, inertia .* a frame; finished: (all passes done|no more improvement)$/m);
});

describe("mistakes end with 2 and say what to do", () => {
  test.each<[string, () => string[], string]>([
    ["a folder that is not there", () => ["manifest", at("nowhere"), "--out", at("x")], "There is no folder"],
    ["a missing teacher", () => ["labels", at("bad/manifest"), "--out", at("x")], "required option '--labels <teacher>' not specified"],
    [
      "an unknown teacher",
      () => ["labels", at("bad/manifest"), "--out", at("x"), "--labels", "gpt"],
      "Allowed choices are codec, kmeans, rvq",
    ],
    ["the manifests' own folder", () => ["labels", at("bad/manifest"), "--out", at("bad/manifest"), ...codec], "give another --out"],
    [
      "a wrong rate",
      () => ["all", at("music"), "--out", at("wrong-rate"), "--sample-rate", "16000", ...codec],
      "Make the manifest with --sample-rate 24000",
    ],
    [
      "a layer without a model",
      () => ["labels", at("bad/manifest"), "--out", at("x"), "--labels", "kmeans", "--features", "layer"],
      "need a model and a layer",
    ],
    [
      "a label name that clashes with codebooks",
      () => ["labels", at("bad/manifest"), "--out", at("x"), ...codec, "--label", "codec_1"],
      "Labels can't be called",
    ],
    ["an unknown step", () => ["manifets", at("music")], "Did you mean manifest?"],
    [
      "a share of the whole",
      () => ["manifest", at("music"), "--out", at("x"), "--valid-percent", "100"],
      "Allowed are numbers from 0 to below 100",
    ],
    ["a folder without labels", () => ["check", at("bad/manifest")], "holds no labels for train.tsv"],
  ])("%s", async (_, args, message) => {
    const { code, stderr } = await prepare(args());
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

test("a second run in the same folder is refused while the first works", async () => {
  const out = at("locked");
  const lock = await takeLock(join(out, ".ostinato.lock"));
  const { code, stderr } = await prepare(["manifest", at("music"), "--out", out]);
  await lock.release();
  expect([code, stderr]).toEqual([2, expect.stringContaining(`Another run (process ${process.pid}@`)]);
});
