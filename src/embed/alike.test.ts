// Batches of similar lengths.
import { expect, test } from "vitest";
import { seeded } from "../base/random.ts";
import { takeAlike } from "./alike.ts";

const lengthOf = (length: number) => length;

test("a batch is the clip that has waited longest and the clips nearest to it in length", () => {
  const pool = [30, 5, 29, 6, 31, 120];
  expect(takeAlike(pool, 3, lengthOf)).toEqual([30, 29, 31]);
  expect(pool).toEqual([5, 6, 120]);
  expect(takeAlike(pool, 2, lengthOf)).toEqual([5, 6]);
  expect(takeAlike(pool, 2, lengthOf)).toEqual([120]);
  expect(pool).toEqual([]);
});

test("every clip is taken once, none waits longer than the pool's depth, and padding is less than in order of arrival", () => {
  const rng = seeded(1);
  const clips = Array.from({ length: 400 }, (_, i) => ({ i, length: Math.floor(1 + 300 * rng()) }));
  const padding = (batches: { length: number }[][]) =>
    batches.reduce((sum, batch) => sum + batch.reduce((s, clip) => s + Math.max(...batch.map((c) => c.length)) - clip.length, 0), 0);
  const pool: typeof clips = [];
  const batches: (typeof clips)[] = [];
  for (const clip of clips) if (pool.push(clip) >= 32) batches.push(takeAlike(pool, 8, (c) => c.length));
  while (pool.length > 0) batches.push(takeAlike(pool, 8, (c) => c.length));
  expect(
    batches
      .flat()
      .map(({ i }) => i)
      .sort((a, b) => a - b),
  ).toEqual(clips.map(({ i }) => i));
  const inOrder = Array.from({ length: 50 }, (_, b) => clips.slice(8 * b, 8 * b + 8));
  expect(padding(batches)).toBeLessThan(0.5 * padding(inOrder));
});
