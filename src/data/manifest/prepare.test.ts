// From a folder to a manifest: what is kept, what is left out and why, and that a stopped run resumes.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixturePath } from "../../../test/fixtures/audio.ts";
import { badFiles, goodFiles, songBytes, writeBadCorpus } from "../../../test/fixtures/damaged-recordings.ts";
import { decodeFile } from "../../audio/decode.node.ts";
import { readManifest, readManifests } from "./files.ts";
import { prepareManifest } from "./prepare.ts";
import { failures } from "./report.ts";

let work: string;
let corpus: string;
beforeAll(async () => {
  process.env.PATH = ""; // without ffmpeg
  work = await mkdtemp(join(tmpdir(), "ostinato-prepare-"));
  corpus = await writeBadCorpus(join(work, "corpus"));
});
afterAll(() => rm(work, { recursive: true }));
const at = (name: string) => join(work, name);
const reasons = (report: { leftOut: Readonly<Record<string, readonly { path: string }[]>> }) =>
  Object.fromEntries(Object.entries(report.leftOut).flatMap(([reason, files]) => files.map(({ path }) => [path, reason])));

test("every bad file is left out with its reason, and none ends the run", async () => {
  const report = await prepareManifest(corpus, { out: at("decoded"), decode: true, valid: { percent: 20, seed: 1 } });
  expect(reasons(report)).toEqual(badFiles);
  expect(report.usable.map(({ path }) => path).sort()).toEqual([...goodFiles].sort());
  expect(report.mended).toEqual([{ path: "truncated.wav", mends: ["truncated after 2 s: the header promises 4 s"] }]);
  expect(failures(report)).toBe(Object.keys(badFiles).length - 3);
  const [train, valid] = await Promise.all(["train", "valid"].map((split) => readManifest(at("decoded"), split)));
  expect(valid!.clips).toHaveLength(1);
  expect(train!.root).toBe(corpus);
  const written = JSON.parse(await readFile(at("decoded/report.json"), "utf8")) as typeof report;
  expect(written.leftOut).toEqual(report.leftOut);
});

test("lengths from headers equal lengths of decoded samples, at the requested rate", async () => {
  const shallow = await prepareManifest(corpus, { out: at("headers"), sampleRateHz: 16_000 });
  const deep = await prepareManifest(corpus, { out: at("samples"), sampleRateHz: 16_000, decode: true });
  const lengths = (report: typeof deep) => Object.fromEntries(report.usable.map(({ path, samples }) => [path, samples]));
  for (const path of goodFiles) {
    const { sampleRateHz, channels } = await decodeFile(join(corpus, path));
    expect(lengths(deep)[path]).toBe(Math.ceil((channels[0]!.length * 16_000) / sampleRateHz));
    expect(lengths(shallow)[path]).toBe(lengths(deep)[path]);
  }
});

test("an mp3 without a length tag is decoded to measure it", async () => {
  const folder = at("vbr");
  await mkdir(folder);
  const mp3 = new Uint8Array(await readFile(fixturePath("music.mp3")));
  const tag = Buffer.from(mp3).indexOf(Buffer.from("Xing")) >= 0 ? Buffer.from(mp3).indexOf("Xing") : Buffer.from(mp3).indexOf("Info");
  mp3.fill(0, tag, tag + 4);
  await writeFile(join(folder, "a.mp3"), mp3);
  const { usable } = await prepareManifest(folder, { out: at("vbr-out"), sampleRateHz: 44_100 });
  const { sampleRateHz, channels } = await decodeFile(join(folder, "a.mp3"));
  expect(usable[0]!.samples).toBe(Math.ceil((channels[0]!.length * 44_100) / sampleRateHz));
});

test("converted copies are mono wav at the requested rate, under a root that resolves", async () => {
  const report = await prepareManifest(corpus, { out: at("converted"), sampleRateHz: 16_000, convert: true });
  expect(reasons(report)).toEqual(badFiles);
  const { root, clips } = (await readManifests(at("converted"), "train"))[0]!.manifest;
  expect(root).toBe(at("converted/audio"));
  expect(clips.map(({ path }) => path)).toContain("good/song.mp3.wav");
  for (const { path, samples } of clips) {
    const copy = await decodeFile(join(root, path));
    expect([copy.sampleRateHz, copy.channels.length, copy.channels[0]!.length]).toEqual([16_000, 1, samples]);
  }
  expect((await readdir(at("converted"), { recursive: true })).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("a run that was stopped resumes: nothing is measured twice, and the result is the same", async () => {
  const out = at("resumed");
  const stop = new AbortController();
  let seen = 0;
  const options = { out, sampleRateHz: 16_000, convert: true, jobs: 1 };
  const first = prepareManifest(corpus, { ...options, signal: stop.signal, onFile: () => ++seen === 7 && stop.abort(new Error("ended")) });
  await expect(first).rejects.toThrow("ended");
  const early = new Date(1e12);
  const copies = (await readdir(join(out, "audio"), { recursive: true })).filter((name) => name.endsWith(".wav"));
  for (const name of copies) await utimes(join(out, "audio", name), early, early);
  expect(copies.length).toBeGreaterThan(0);
  await writeFile(join(out, "audio/good.0123abcd.ostinato.tmp"), "half");
  await prepareManifest(corpus, options);
  for (const name of ["train.tsv", "valid.tsv", "manifest.json", "report.json", "files.jsonl"]) {
    const [again, whole] = await Promise.all([out, at("converted")].map((folder) => readFile(join(folder, name), "utf8")));
    expect(again).toBe(whole!.replaceAll(at("converted"), out));
  }
  const { stat } = await import("node:fs/promises");
  for (const name of copies) expect((await stat(join(out, "audio", name))).mtimeMs).toBe(early.getTime());
  expect(await readdir(join(out, "audio"))).not.toContain("good.0123abcd.ostinato.tmp");
});

test("a changed file is measured again, and a manifest of other settings is left alone", async () => {
  const folder = at("changing");
  await mkdir(folder);
  await writeFile(join(folder, "a.wav"), songBytes(1, 2));
  await writeFile(join(folder, "b.wav"), songBytes(2, 2));
  const lengths = async () => (await prepareManifest(folder, { out: at("changed") })).usable.map(({ samples }) => samples);
  expect(await lengths()).toEqual([48_000, 48_000]);
  await writeFile(join(folder, "a.wav"), songBytes(1, 3));
  expect(await lengths()).toEqual([72_000, 48_000]);
  await copyFile(join(folder, "b.wav"), join(folder, "c.wav"));
  const report = await prepareManifest(folder, { out: at("changed") });
  expect(report.leftOut.duplicate).toEqual([{ path: "c.wav", message: "c.wav has the same bytes as b.wav." }]);
  expect(await readdir(at("changed"))).toContain("valid.tsv");
  await prepareManifest(folder, { out: at("changed"), valid: { percent: 0, seed: 0 } });
  expect(await readdir(at("changed"))).not.toContain("valid.tsv"); // nothing of an earlier split is left
  const other = prepareManifest(folder, { out: at("changed"), sampleRateHz: 16_000 });
  await expect(other).rejects.toThrow("belongs to a manifest of other settings: sampleRateHz 24000 (requested: 16000)");
});

test("a name that no manifest can hold is reported: one with a tab, and one that is not UTF-8", async () => {
  const folder = at("names");
  await mkdir(folder);
  await writeFile(join(folder, "good.wav"), songBytes(1, 2));
  await writeFile(join(folder, "tab\t.wav"), songBytes(2, 2));
  await writeFile(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from(".wav")]), songBytes(3, 2));
  const { usable, leftOut } = await prepareManifest(folder, { out: at("names-out") });
  expect(usable.map(({ path }) => path)).toEqual(["good.wav"]);
  const messages = leftOut["bad name"]!.map(({ message }) => message);
  expect(messages.filter((message) => message.includes("not UTF-8"))).toHaveLength(1);
  expect(messages.filter((message) => message.includes("a tab or a line break"))).toHaveLength(1);
});

test("a folder without audio files, or without usable ones, is refused", async () => {
  await mkdir(at("quiet"));
  await expect(prepareManifest(at("quiet"), { out: at("quiet-out") })).rejects.toThrow("There is no audio file in");
  await writeFile(at("quiet/a.mp3"), "words\n");
  await expect(prepareManifest(at("quiet"), { out: at("quiet-out") })).rejects.toThrow("None of the 1 files");
  await expect(prepareManifest(at("nowhere"), { out: at("quiet-out") })).rejects.toThrow("There is no folder");
});
