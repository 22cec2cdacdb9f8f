// The demo's picture shows repeated sections as similar.
import { expect, test } from "vitest";
import { fillGaussian, seeded } from "../base/random.ts";
import type { Heatmap } from "../plot/chart.ts";
import { similarityPicture } from "./demo-picture.ts";

test("repeated moments are similar in every panel, and layers with equal states have a CKA of 1", () => {
  const [layers, frames, width] = [13, 120, 8];
  const half = fillGaussian(seeded(1), new Float32Array(60 * width));
  const values = new Float32Array(layers * frames * width);
  for (let layer = 0; layer < layers; layer++) for (const part of [0, 1]) values.set(half, (layer * frames + part * 60) * width);
  const { charts } = similarityPicture({ values, layers, frames, width, frameRateHz: 75 }, { openingSeconds: 0.8 });
  expect(charts.map((chart) => (chart as Heatmap).title)).toEqual([
    "Layer 0: before attention",
    "Layer 4",
    "Layer 8",
    "Layer 12",
    "Layer × time",
    "Layer × layer",
  ]);
  const moments = charts[1] as Heatmap;
  const count = moments.xValues.length;
  expect(count).toBe(8);
  for (let i = 0; i < 4; i++) expect(moments.values[i * count + i + 4]).toBeCloseTo(1, 5);
  for (const value of (charts[5] as Heatmap).values) expect(value).toBeCloseTo(1, 5);
});
