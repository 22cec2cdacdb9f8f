import { expect, test } from "vitest";
import type { LabelSet } from "../labels/label-set.ts";
import { joinLabels, joinManifests, planParts } from "./parts.ts";
import { planBatches } from "./plan.ts";

const parts = [9, 4, 6].map((clips, part) => Array.from({ length: clips }, (_, i) => 1000 + 10 * i + part));
const rules = { batchSamples: 2100, maxSamples: 1000, seed: 3 };
const stamp = { teacher: "a", teacherHash: "1", codebooks: 1, codebookSize: 100, rateHz: 50, sampleRateHz: 8000, manifestHash: "" };
const labelsOf = (part: number, clips: number): LabelSet => ({
  stamp,
  clips,
  frames: (clip) => 10 * part + clip,
  read: (clip, start, count) => Int32Array.of(part, clip, start, count),
});

test("each epoch trains on the next part, each batch holds clips of one part, and a round holds each clip once", () => {
  const plan = planParts(parts, rules);
  expect([plan.clips, plan.batches]).toEqual([19, 5 + 2 + 3]);
  const round = (number: number) => Array.from({ length: plan.batches }, (_, i) => plan.at(number * plan.batches + i));
  for (const number of [0, 3]) {
    const batches = round(number);
    expect(batches.flatMap(({ clips }) => clips).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 19 }, (_, i) => i));
    expect(batches.map(({ clips }) => Math.max(...clips.map((clip) => (clip < 9 ? 0 : clip < 13 ? 1 : 2))))).toEqual([
      0, 0, 0, 0, 0, 1, 1, 2, 2, 2,
    ]);
    expect(batches.map(({ epoch }) => epoch)).toEqual(new Array(10).fill(number));
  }
  expect(round(1).map(({ clips }) => clips)).not.toEqual(round(0).map(({ clips }) => clips));
  const own = planBatches(parts[2]!, rules).at(3 + 1);
  expect(plan.at(10 + 7 + 1)).toEqual({ ...own, number: 18, clips: own.clips.map((clip) => clip + 13) });
});

test("joined manifests and labels count clips through", () => {
  const manifests = [2, 3].map((count, part) => ({
    root: "/music",
    sampleRateHz: 8000,
    clips: Array.from({ length: count }, (_, i) => ({ path: `${part}/${i}`, samples: 1 })),
  }));
  expect(joinManifests(manifests).clips.map(({ path }) => path)).toEqual(["0/0", "0/1", "1/0", "1/1", "1/2"]);
  const labels = joinLabels([labelsOf(0, 2), labelsOf(1, 3)]);
  expect([labels.clips, labels.frames(1), labels.frames(2), labels.frames(4)]).toEqual([5, 1, 10, 12]);
  expect([...labels.read(3, 7, 8)]).toEqual([1, 1, 7, 8]);
});

test("parts of different roots, rates or teachers are refused", () => {
  const one = { root: "/music", sampleRateHz: 8000, clips: [] };
  expect(() => joinManifests([one, { ...one, root: "/more" }])).toThrow("Parts of one split lie in /music at 8000 Hz and in /more");
  const other = { ...labelsOf(1, 3), stamp: { ...stamp, teacher: "b", teacherHash: "2" } };
  expect(() => joinLabels([labelsOf(0, 2), other])).toThrow("labelled by a and by b");
});
