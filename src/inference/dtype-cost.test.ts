// The accuracy of dtypes: the figures shown to users are those that were measured.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { dtypeCost, measuredCosines } from "./dtype-cost.ts";

test("the cosines shown are those of bench/results/dtype.json", () => {
  const { rows } = JSON.parse(readFileSync(new URL("../../bench/results/dtype.json", import.meta.url), "utf8")) as {
    rows: { shape: string; engine: string; dtype: string; lowestCosinePerLayer: number[] }[];
  };
  const measured = rows.filter(({ shape }) => shape === "95M");
  expect(measured.map(({ dtype }) => dtype).sort()).toEqual(Object.keys(measuredCosines).sort());
  for (const { dtype, lowestCosinePerLayer } of measured) {
    const shown = measuredCosines[dtype as keyof typeof measuredCosines];
    expect(shown.length).toBe(lowestCosinePerLayer.length);
    shown.forEach((cosine, layer) => {
      expect(Math.abs(cosine - lowestCosinePerLayer[layer]!), `${dtype}, layer ${layer}`).toBeLessThan(2e-5);
    });
  }
});

test("float32 costs nothing, and nothing is said of it", () => {
  expect(dtypeCost("fp32")).toBeUndefined();
  expect(dtypeCost("q8")).toMatch(/^q8: cosine to fp32 by layer 0\.9994 /);
});
