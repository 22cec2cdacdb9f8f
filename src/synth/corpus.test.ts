import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { folderContents } from "../../test/fixtures/folder-contents.ts";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { decodeFile } from "../audio/decode.node.ts";
import { ConfigError } from "../base/errors.ts";
import { planCorpus, writeCorpus } from "./corpus.ts";
import { checkFlacEncoder } from "./flac.ts";
import type { ClipLabel } from "./label.ts";

const root = await mkdtemp(join(tmpdir(), "ostinato-synth-"));
afterAll(() => rm(root, { recursive: true, force: true }));

const settings = { seed: 5, sampleRateHz: 8000, clipSeconds: 2, hours: 30 / 3600, workers: 2 };
const plan = planCorpus(settings);

test("a corpus holds its clips, their labels, and the four layouts", async () => {
  const summary = await writeCorpus({ ...settings, out: join(root, "whole") });
  expect(summary).toEqual({ songs: plan.firstClips.length, clips: plan.clips, written: plan.clips, skipped: 0, complete: true });
  const read = async (name: string) => (await readFile(join(root, "whole", name), "utf8")).trimEnd().split("\n");
  const labels = (await read("clips.jsonl")).map((line) => JSON.parse(line) as ClipLabel);
  expect(labels.map(({ id }) => Number(id))).toEqual(Array.from({ length: plan.clips }, (_, clip) => clip));
  expect(labels.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(plan.seconds, 6);
  for (const { id, seconds, clip } of labels) {
    const sound = await stat(join(root, `whole/audio/000/${id}.wav`));
    expect(sound.size).toBe(44 + 4 * Math.round(seconds * 8000));
    expect(sound.nlink).toBe(clip === 0 ? 3 : 2); // tags' layout; the genres' has the first clip of each song
  }
  const songs = (await read("songs.jsonl")).map((line) => JSON.parse(line) as { id: string; clips: string[]; seconds: number });
  expect(songs.flatMap(({ clips }) => clips)).toEqual(labels.map(({ id }) => id));
  for (const { id, seconds } of songs) {
    const [number, key] = [Number(id) + 1, Number(id) % 8 === 7 ? "giantsteps-key-dataset" : "giantsteps-mtg-key-dataset"];
    expect((await stat(join(root, `whole/gs/${key}/audio/${number}.LOFI.wav`))).size).toBe(44 + 4 * Math.round(seconds * 8000));
    expect((await stat(join(root, `whole/emo/clips_45sec/${number}.wav`))).size).toBe(44 + 4 * Math.round(Math.min(3, seconds) * 8000));
  }
});

test("the clips of a song are cut from it without gaps", async () => {
  const song = await readFile(join(root, "whole/gs/giantsteps-mtg-key-dataset/audio/1.LOFI.wav"));
  const clips = await Promise.all(
    Array.from({ length: plan.firstClips[1]! }, (_, id) => readFile(join(root, `whole/audio/000/00000${id}.wav`))),
  );
  const samples = Buffer.concat(clips.map((clip) => clip.subarray(44)));
  expect(song.subarray(44, 44 + samples.length).equals(samples)).toBe(true);
});

test("an interrupted run continues where it stopped, and ends with the same bytes", async () => {
  const out = join(root, "resumed");
  const stop = new AbortController();
  const first = await writeCorpus({ ...settings, out, signal: stop.signal, workers: 1, onSong: () => stop.abort() });
  expect(first.complete).toBe(false);
  expect(first.written).toBeLessThan(plan.clips);
  await writeFile(join(out, "audio/000/000008.wav.0123abcd.ostinato.tmp"), "half");
  const second = await writeCorpus({ ...settings, out });
  expect(second.skipped).toBe(first.written);
  expect(second.written + second.skipped).toBe(plan.clips);
  expect(await folderContents(out)).toEqual(await folderContents(join(root, "whole")));
});

test("more hours add songs after the existing ones, which do not change", async () => {
  const out = join(root, "resumed");
  const before = await readFile(join(out, "audio/000/000004.wav"));
  const summary = await writeCorpus({ ...settings, hours: 40 / 3600, out });
  expect(summary.skipped).toBe(plan.clips);
  expect(summary.written).toBeGreaterThan(0);
  expect(await readFile(join(out, "audio/000/000004.wav"))).toEqual(before);
});

test("a folder that holds another corpus is refused, with what differs", async () => {
  await expect(writeCorpus({ ...settings, seed: 6, out: join(root, "whole") })).rejects.toThrow(/seed 5 \(asked for: 6\)/);
  await expect(writeCorpus({ ...settings, hours: 0, out: join(root, "none") })).rejects.toThrow(ConfigError);
});

test("a corpus has as many songs as it takes for their clips to last the hours, at least one", () => {
  expect(planCorpus({ hours: 0.001, seed: 0 }).firstClips).toEqual([0]);
  for (const hours of [1, 10]) {
    const { firstClips, clips, seconds } = planCorpus({ hours, seed: 0 });
    expect(seconds).toBeGreaterThanOrEqual(3600 * hours);
    expect(seconds).toBeLessThan(3600 * hours + 150);
    expect(clips / firstClips.length).toBeGreaterThan(2);
  }
  expect(planCorpus({ hours: 10, seed: 0 }).firstClips.slice(0, 20)).toEqual(planCorpus({ hours: 1, seed: 0 }).firstClips.slice(0, 20));
});

test.skipIf(
  !(await checkFlacEncoder().then(
    () => true,
    () => false,
  )),
)("FLAC files hold the same samples as WAV files", async () => {
  const out = join(root, "flac");
  await writeCorpus({ ...settings, hours: 1 / 3600, format: "flac", out });
  const [flac, wav] = await Promise.all(
    ["flac/audio/000/000000.flac", "whole/audio/000/000000.wav"].map((path) => decodeFile(join(root, path))),
  );
  expect(flac!.sampleRateHz).toBe(8000);
  flac!.channels.forEach((channel, i) => {
    expect(maxDifference(channel, wav!.channels[i]!)).toBe(0);
  });
});

test("FLAC without ffmpeg is refused, with the way to install it", async () => {
  const path = process.env.PATH;
  process.env.PATH = root;
  try {
    await expect(writeCorpus({ ...settings, format: "flac", out: join(root, "none") })).rejects.toThrow(/Install it/);
  } finally {
    process.env.PATH = path;
  }
});
