// Deviation: the reported figures are the measured ones, of the nearest windows that are no longer.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { measuredDeviations, measuredOf, windowDeviation, windowing } from "./deviation.ts";

test("the reported deviations are those of bench/results/windows.json", () => {
  const { rows } = JSON.parse(readFileSync(new URL("../../bench/results/windows.json", import.meta.url), "utf8")) as {
    rows: { minutes: number; window: number; overlap: number; layers: { relative: number }[] }[];
  };
  const found = new Map<string, number[]>();
  for (const { window, overlap, layers } of rows) {
    const key = `${window} ${overlap}`;
    found.set(key, [...(found.get(key) ?? []), layers.at(-1)!.relative]);
  }
  expect(measuredDeviations.map(({ windowSeconds, overlapSeconds }) => `${windowSeconds} ${overlapSeconds}`)).toEqual([...found.keys()]);
  for (const { windowSeconds, overlapSeconds, range } of measuredDeviations) {
    const measured = found.get(`${windowSeconds} ${overlapSeconds}`)!;
    expect(range[0]).toBeCloseTo(Math.min(...measured), 4);
    expect(range[1]).toBeCloseTo(Math.max(...measured), 4);
  }
});

test("for windows that were not measured, the figures of the nearest shorter ones are reported and named", () => {
  expect(measuredOf({ windowSeconds: 30, overlapSeconds: 5 })).toMatch(/^Measured with such windows: a relative error of \d/);
  expect(measuredOf({ windowSeconds: 45, overlapSeconds: 4 })).toMatch(/^Measured with windows of 30 s with 5 s of overlap: /);
  expect(measuredOf({ windowSeconds: 600, overlapSeconds: 60 })).toMatch(/^Measured with windows of 60 s with 10 s of overlap: /);
  expect(measuredOf({ windowSeconds: 2, overlapSeconds: 0 })).toMatch(/^The deviation was not measured for windows under 10 s/);
});

test("a clip in one window has no deviation", () => {
  expect(windowing(1, { windowSeconds: 30 })).toBeUndefined();
  expect(windowDeviation(windowing(7, { windowSeconds: 30 })!)).toMatch(/^attention .* saw 7 windows of 30 s with 0 s of overlap/);
});
