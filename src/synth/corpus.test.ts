import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { folderContents } from "../../test/fixtures/folder-contents.ts";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { decodeFile } from "../audio/decode.node.ts";
import { ConfigError } from "../base/errors.ts";
import { clipCount, writeCorpus } from "./corpus.ts";
import { checkFlacEncoder } from "./flac.ts";

const root = await mkdtemp(join(tmpdir(), "ostinato-synth-"));
afterAll(() => rm(root, { recursive: true, force: true }));

const settings = { seed: 5, sampleRateHz: 8000, seconds: 2, hours: 18 / 3600, workers: 2 };

test("a corpus holds its clips, their labels, and the four layouts under further names of the same files", async () => {
  const summary = await writeCorpus({ ...settings, out: join(root, "whole") });
  expect(summary).toEqual({ clips: 9, written: 9, skipped: 0, complete: true });
  const lines = (await readFile(join(root, "whole/clips.jsonl"), "utf8")).trimEnd().split("\n");
  const labels = lines.map((line) => JSON.parse(line) as { id: string; split: string; style: string });
  expect(labels.map(({ id }) => Number(id))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const sound = await stat(join(root, "whole/audio/000/000000.wav"));
  expect(sound.size).toBe(44 + 4 * 2 * 8000);
  expect(sound.nlink).toBe(5);
});

test("a run that was stopped goes on where it stopped, and ends with the same bytes", async () => {
  const out = join(root, "resumed");
  const stop = new AbortController();
  const first = await writeCorpus({ ...settings, out, signal: stop.signal, workers: 1, onClip: () => stop.abort() });
  expect(first.complete).toBe(false);
  expect(first.written).toBeLessThan(9);
  await writeFile(join(out, "audio/000/000008.wav.0123abcd.ostinato.tmp"), "half");
  const second = await writeCorpus({ ...settings, out });
  expect(second.skipped).toBe(first.written);
  expect(second.written + second.skipped).toBe(9);
  expect(await folderContents(out)).toEqual(await folderContents(join(root, "whole")));
});

test("more hours add clips to fewer, and change none", async () => {
  const out = join(root, "resumed");
  const before = await readFile(join(out, "audio/000/000004.wav"));
  const summary = await writeCorpus({ ...settings, hours: 22 / 3600, out });
  expect(summary).toMatchObject({ clips: 11, written: 2, skipped: 9 });
  expect(await readFile(join(out, "audio/000/000004.wav"))).toEqual(before);
});

test("a folder that holds another corpus is refused, with what differs", async () => {
  await expect(writeCorpus({ ...settings, seed: 6, out: join(root, "whole") })).rejects.toThrow(/seed 5 \(asked for: 6\)/);
  await expect(writeCorpus({ ...settings, hours: 0, out: join(root, "none") })).rejects.toThrow(ConfigError);
});

test("hours are counted in clips of thirty seconds", () => {
  expect([0.001, 1, 100].map((hours) => clipCount(hours))).toEqual([1, 120, 12_000]);
});

test.skipIf(
  !(await checkFlacEncoder().then(
    () => true,
    () => false,
  )),
)("FLAC files, where ffmpeg is at hand, hold the same samples as WAV files", async () => {
  const out = join(root, "flac");
  await writeCorpus({ ...settings, hours: 2 / 3600, format: "flac", out });
  const [flac, wav] = await Promise.all(
    ["flac/audio/000/000000.flac", "whole/audio/000/000000.wav"].map((path) => decodeFile(join(root, path))),
  );
  expect(flac!.sampleRateHz).toBe(8000);
  flac!.channels.forEach((channel, i) => {
    expect(maxDifference(channel, wav!.channels[i]!)).toBe(0);
  });
});

test("FLAC without ffmpeg is refused with what to do", async () => {
  const path = process.env.PATH;
  process.env.PATH = root;
  try {
    await expect(writeCorpus({ ...settings, format: "flac", out: join(root, "none") })).rejects.toThrow(/Install it/);
  } finally {
    process.env.PATH = path;
  }
});
