import { describe, expect, test } from "vitest";
import { goldenJson } from "../../../test/fixtures/golden.ts";
import { seeded, shuffle } from "../../base/random.ts";
import { batchBySize } from "./by-size.ts";
import { drawsFor } from "./draws.ts";
import { cropLabels } from "./label-crop.ts";
import { planBatches, rankBatches } from "./plan.ts";

describe("golden T: fairseq's answers", () => {
  interface BatchCase {
    num_tokens: number[];
    max_tokens: number;
    max_sentences: number | null;
    required_batch_size_multiple: number;
    batches: number[][];
  }
  const { cases } = goldenJson<{ cases: BatchCase[] }>("T_training/batch_by_size.json");
  test.each(cases.map((one, i) => ({ i, ...one })))("batches by size, case $i", (one) => {
    const ends = batchBySize(one.num_tokens, {
      batchSamples: one.max_tokens,
      maxClips: one.max_sentences ?? undefined,
      multiple: one.required_batch_size_multiple,
    });
    const all = one.num_tokens.map((_, i) => i);
    expect(ends.map((end, i) => all.slice(ends[i - 1] ?? 0, end))).toEqual(one.batches);
  });

  interface CropCase {
    sample_rate: number;
    label_rate: number;
    audio_size: number;
    audio_starts: number[];
    label_lengths: number[];
    frame_starts: number[];
    frame_count: number;
  }
  const crops = goldenJson<{ cases: CropCase[] }>("T_training/label_crop.json").cases;
  test.each(crops)("label crops at $label_rate frames a second of $sample_rate Hz", (one) => {
    const input = { sampleRateHz: one.sample_rate, rateHz: one.label_rate, samples: one.audio_size };
    const { starts, frames } = cropLabels({ ...input, starts: one.audio_starts, frames: one.label_lengths });
    expect({ starts, frames }).toEqual({ starts: one.frame_starts, frames: one.frame_count });
  });
});

test("labels that end before their crop are refused", () => {
  const input = { sampleRateHz: 24_000, rateHz: 75, samples: 24_000, starts: [0, 48_000], frames: [75, 150] };
  expect(() => cropLabels(input)).toThrow("label frame 150, but its clip has 150 label frames");
});

test("a clip larger than a batch is refused with both sizes", () => {
  expect(() => batchBySize([100, 50], { batchSamples: 90 })).toThrow("A clip of 100 samples does not fit a batch of 90");
});

describe("a plan", () => {
  const rng = seeded(1);
  const lengths = Array.from({ length: 203 }, () => 1000 + Math.floor(rng() * 9000));
  const rules = { batchSamples: 40_000, maxSamples: 5000, minSamples: 1500, multiple: 4, seed: 7 } as const;
  const epochOf = (plan: ReturnType<typeof planBatches>, epoch: number) =>
    Array.from({ length: plan.batches }, (_, i) => plan.at(epoch * plan.batches + i));
  const long = lengths.flatMap((length, clip) => (length >= 1500 ? [clip] : []));

  test.each(["length", "crop"] as const)("holds every clip of the minimum once an epoch, in order of %s", (order) => {
    const plan = planBatches(lengths, { ...rules, order });
    expect([plan.clips, plan.short]).toEqual([long.length, lengths.length - long.length]);
    for (const epoch of [0, 5]) {
      const clips = epochOf(plan, epoch).flatMap((batch) => batch.clips);
      expect(clips.toSorted((a, b) => a - b)).toEqual(long);
    }
  });

  test("crops each batch to its shortest clip, at most to the maximum, within each clip", () => {
    const plan = planBatches(lengths, rules);
    let inside = 0;
    for (const { samples, clips, starts } of epochOf(plan, 2)) {
      expect(samples).toBe(Math.min(5000, ...clips.map((clip) => lengths[clip]!)));
      for (const [i, start] of starts.entries()) {
        expect(start >= 0 && start + samples <= lengths[clips[i]!]!).toBe(true);
        if (start > 0) inside++;
      }
    }
    expect(inside).toBeGreaterThan(100);
  });

  test("keeps neighbours in length together in MERT's order, and mixes all longer clips in data2vec's", () => {
    const spreadOf = (order: "length" | "crop") => {
      const longOnes = epochOf(planBatches(lengths, { ...rules, order }), 0).filter((batch) => batch.samples === 5000);
      const spreads = longOnes.map(({ clips }) => {
        const sizes = clips.map((clip) => lengths[clip]!);
        return Math.max(...sizes) - Math.min(...sizes);
      });
      return spreads.reduce((sum, spread) => sum + spread, 0) / spreads.length;
    };
    expect(spreadOf("length")).toBeLessThan(600);
    expect(spreadOf("crop")).toBeGreaterThan(2500);
  });

  test("gives any batch at once as it gives it in turn", () => {
    const inTurn = planBatches(lengths, rules);
    const all = Array.from({ length: 3 * inTurn.batches }, (_, i) => inTurn.at(i));
    for (const number of [0, 17, inTurn.batches, 3 * inTurn.batches - 1])
      expect(planBatches(lengths, rules).at(number)).toEqual(all[number]);
  });

  test("draws other batches and crops in each epoch and for each seed", () => {
    const plan = planBatches(lengths, rules);
    const other = planBatches(lengths, { ...rules, seed: 8 });
    const order = (batches: { clips: readonly number[] }[]) => JSON.stringify(batches.map((batch) => batch.clips));
    const [first, second, third] = [order(epochOf(plan, 0)), order(epochOf(plan, 1)), order(epochOf(other, 0))];
    expect(new Set([first, second, third]).size).toBe(3);
    const startOf = (p: typeof plan, epoch: number) => {
      const batch = epochOf(p, epoch).find(({ clips }) => clips.includes(long[5]!))!;
      return batch.starts[batch.clips.indexOf(long[5]!)];
    };
    expect(new Set([startOf(plan, 0), startOf(plan, 1), startOf(plan, 2), startOf(other, 0)]).size).toBeGreaterThan(1);
  });

  test("without shuffling is the same each epoch, the longest first", () => {
    const plan = planBatches(lengths, { ...rules, shuffle: false });
    expect(plan.at(plan.batches + 3)).toEqual({ ...plan.at(3), number: plan.batches + 3 });
    const first = plan.at(0).clips.map((clip) => lengths[clip]!);
    expect(Math.max(...first)).toBe(Math.max(...lengths));
  });

  test("draws crop starts evenly, both ends included", () => {
    const plan = planBatches(
      Array.from({ length: 4000 }, () => 1010),
      { batchSamples: 4000, maxSamples: 1000, seed: 3 },
    );
    const counts = new Array<number>(11).fill(0);
    for (const { starts } of epochOf(plan, 0)) for (const start of starts) counts[start]!++;
    expect(Math.min(...counts)).toBeGreaterThan(290); // 364 expected each, standard deviation 18
    expect(Math.max(...counts)).toBeLessThan(440);
  });

  test("ranks take every batch once and as many each, across the ends of epochs, and go on with another number of ranks", () => {
    const take = (rank: number, ranks: number, steps: number, first = 0) =>
      [...rankBatches({ rank, ranks, first, end: first + steps * ranks })].map((n) => n);
    const three = [0, 1, 2].map((rank) => take(rank, 3, 7));
    expect(three.map((own) => own.length)).toEqual([7, 7, 7]);
    const five = [0, 1, 2, 3, 4].map((rank) => take(rank, 5, 4, 21));
    const all = [...three, ...five].flat().sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 41 }, (_, i) => i));
    expect(() => [...rankBatches({ rank: 2, ranks: 2, end: 4 })]).toThrow("There is no rank 2 of 2");
  });

  test("refuses rules under which nothing is left", () => {
    expect(() => planBatches([10, 20], { ...rules, minSamples: 30 })).toThrow("None of 2 clips has 30 samples");
    expect(() => planBatches([10, 20], { ...rules, minSamples: 30, maxSamples: 20 })).toThrow("Crops of 30 to 20 samples");
  });
});

test("shuffles are fair, and draws of neighbouring seeds and places differ", () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed++) {
    const order = shuffle(drawsFor(seed, "batches", 0), Int32Array.of(0, 1, 2)).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150); // five standard deviations
  const draws = new Set<number>();
  for (const seed of [0, 1, 2 ** 32, 2 ** 32 + 1]) for (let epoch = 0; epoch < 20; epoch++) draws.add(drawsFor(seed, "crops", epoch, 3)());
  expect(draws.size).toBe(80);
});
