import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { fixturePath } from "../../../test/fixtures/audio.ts";
import { clipBytes, codeOf, sampleOf, testCorpus } from "../../../test/fixtures/position-coded-crops.ts";
import { roundHalfEven } from "../../base/rounding.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Batch } from "./batch.ts";
import { type LoaderOptions, loadBatches } from "./loader.ts";
import { type PlanRules, planBatches } from "./plan.ts";

/** Clip 5 is no sound, clip 9 is not there, clip 12 shorter than said. */
const lengths = Array.from({ length: 24 }, (_, clip) => 8000 + 700 * clip);
const corpus = testCorpus(lengths);
const { root, manifest, labels } = corpus;
corpus.spoil(5, "no sound at all\n");
rmSync(join(root, "9.wav"));
corpus.spoil(12, clipBytes(12, 3000));
afterAll(corpus.remove);
const rules: PlanRules = { batchSamples: 24_000, maxSamples: 6000, multiple: 2, seed: 11 };
const plan = () => planBatches(lengths, rules);

async function take(count: number, options: LoaderOptions = {}): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loadBatches({ manifest, labels }, plan(), { workers: 2, ...options })) {
    batches.push(batch);
    if (batches.length === count) break;
  }
  return batches;
}

describe("the loader", () => {
  test("gives crops to the sample with the labels of their place", async () => {
    for (const batch of await take(plan().batches)) {
      const { waveforms, samples, clips, starts, frames, codebooks } = batch;
      expect([waveforms.length, batch.labels.length, codebooks]).toEqual([clips.length * samples, 2 * clips.length * frames, 2]);
      expect(Math.abs(frames - samples / 160)).toBeLessThan(2);
      for (const [row, clip] of clips.entries()) {
        const start = starts[row]!;
        expect(waveforms[row * samples]).toBe(sampleOf(clip, start));
        expect(waveforms[(row + 1) * samples - 1]).toBe(sampleOf(clip, start + samples - 1));
        const first = roundHalfEven(start / 160);
        for (const k of [0, 1]) {
          const codes = batch.labels.subarray((k * clips.length + row) * frames).subarray(0, frames);
          expect(codes).toEqual(Int32Array.from({ length: frames }, (_, t) => codeOf(clip, k, first + t)));
        }
      }
    }
  });

  test("names each bad clip once an epoch and goes on with all others", async () => {
    const batches = await take(plan().batches);
    const bad = batches.flatMap((batch) => batch.bad).sort((a, b) => a.clip - b.clip);
    expect(bad.map(({ clip, path }) => [clip, path])).toEqual([
      [5, "5.wav"],
      [9, "9.wav"],
      [12, "12.wav"],
    ]);
    expect(bad[0]!.reason).toContain("5.wav is text, not audio");
    expect(bad[1]!.reason).toContain("There is no file");
    expect(bad[2]!.reason).toMatch(/12\.wav ends .* samples before its crop|12\.wav ends before/);
    expect(batches.flatMap((batch) => batch.clips).toSorted((a, b) => a - b)).toEqual(
      lengths.flatMap((_, clip) => ([5, 9, 12].includes(clip) ? [] : [clip])),
    );
  });

  test("leaves out a clip whose labels are missing, and refuses labels that end before their crop", async () => {
    const none = { ...labels, frames: (clip: number) => (clip === 20 ? 0 : labels.frames(clip)) };
    const bad: string[] = [];
    for await (const batch of loadBatches({ manifest, labels: none }, plan(), { workers: 1, end: plan().batches })) {
      bad.push(...batch.bad.map(({ reason }) => reason));
    }
    expect(bad).toContain("20.wav has no labels.");
    const short = { ...labels, frames: () => 1 };
    await expect(loadBatches({ manifest, labels: short }, plan(), { workers: 1 }).next()).rejects.toThrow(
      "these labels were made from other audio",
    );
  });

  test("goes on at any batch as if it had never stopped", async () => {
    const all = await take(20, { ahead: 6 });
    for (const first of [1, 7, plan().batches, 13]) expect(await take(3, { first, ahead: 0 })).toEqual(all.slice(first, first + 3));
  });

  test("ranks together give what one alone gives", async () => {
    const all = await take(12);
    const ranks = await Promise.all([0, 1, 2].map((rank) => take(4, { rank, ranks: 3 })));
    expect(Array.from({ length: 12 }, (_, i) => ranks[i % 3]![Math.floor(i / 3)])).toEqual(all);
  });

  test("decodes at most what it may hold while nobody asks, and ends where it is told to", async () => {
    const read: number[] = [];
    const at = (number: number) => {
      read.push(number);
      return plan().at(number);
    };
    const counted = { ...plan(), at };
    const loader = loadBatches({ manifest }, counted, { workers: 2, ahead: 2, end: 7 });
    await loader.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(Math.max(...read)).toBe(2);
    const rest: Batch[] = [];
    for await (const batch of loader) rest.push(batch);
    expect(rest.map((batch) => batch.number)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(rest[0]).toMatchObject({ codebooks: 0, frames: 0, labels: new Int32Array(0) });
  });

  test("brings files of other rates to the manifest's", async () => {
    const seconds = 1;
    const other: Manifest = {
      root: dirname(fixturePath("music.mp3")),
      sampleRateHz: 24_000,
      clips: [{ path: "music.mp3", samples: 30_000 }],
    };
    const one = planBatches([30_000], { batchSamples: 24_000, maxSamples: 24_000 * seconds, seed: 1 });
    for await (const { waveforms, bad } of loadBatches({ manifest: other }, one, { workers: 1, end: 1 })) {
      expect([waveforms.length, bad]).toEqual([24_000, []]);
      expect(Math.max(...waveforms)).toBeGreaterThan(0.1);
      expect(waveforms.subarray(-200).some((value) => value !== 0)).toBe(true);
    }
  });

  test("replaces a batch without one good clip by its successor, and stops where there are none at all", async () => {
    const single = planBatches(lengths, { batchSamples: 6000, maxSamples: 6000, seed: 2 });
    const numbers = Array.from({ length: single.batches }, (_, i) => i);
    const broken = numbers.find((number) => single.at(number).clips[0] === 5)!;
    const loader = loadBatches({ manifest }, single, { workers: 1, first: broken, end: broken + 1 });
    const { value } = await loader.next();
    expect(value).toMatchObject({ number: broken, bad: [{ clip: 5 }] });
    expect(value!.clips).toHaveLength(1);
    await loader.return(undefined);
    const nowhere = { ...manifest, root: join(root, "none") };
    await expect(loadBatches({ manifest: nowhere }, single, { workers: 1 }).next()).rejects.toThrow(
      "None of the 8 clips of 8 batches could be read",
    );
  });

  test("is ended by a signal", async () => {
    const controller = new AbortController();
    const loader = loadBatches({ manifest, labels }, plan(), { workers: 1, signal: controller.signal });
    await loader.next();
    controller.abort(new Error("enough"));
    await expect(
      (async () => {
        for (let i = 0; i < 20; i++) await loader.next();
      })(),
    ).rejects.toThrow("enough");
  });
});
