// How much silence stands for what is lost.
import { expect, test } from "vitest";
import { silenceBudget } from "./silence.ts";

test("ten minutes in all, however they are asked for", () => {
  const budget = silenceBudget({ sampleRateHz: 1000, channels: 1 });
  expect([budget.take(500_000), budget.take(100_001), budget.take(100_000), budget.take(1)]).toEqual([true, false, true, false]);
});

test("less where rate and channels are such that ten minutes would fill the memory", () => {
  const budget = silenceBudget({ sampleRateHz: 655_350, channels: 8 });
  expect(budget.take(600 * 655_350)).toBe(false);
  expect(budget.take(2 ** 23)).toBe(true);
  expect(budget.take(Number.NaN)).toBe(false);
});
