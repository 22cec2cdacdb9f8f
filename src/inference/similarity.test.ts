// Similarity: cosines by hand, and the nearest of many.
import { expect, test } from "vitest";
import { cosine, topK } from "./similarity.ts";

const vector = (...values: number[]) => Float32Array.from(values);

test("the cosine ignores lengths, and zeros are similar to nothing", () => {
  expect(cosine(vector(3, 4), vector(6, 8))).toBeCloseTo(1, 12);
  expect(cosine(vector(1, 0), vector(-2, 0))).toBe(-1);
  expect(cosine(vector(1, 0), vector(1, 1))).toBeCloseTo(Math.SQRT1_2, 7);
  expect(cosine(vector(0, 0), vector(1, 1))).toBe(0);
});

test("topK gives the nearest first, earlier ones of equal cosines first, and no more than there are", () => {
  const vectors = [vector(0, 1), vector(1, 0), vector(1, 1), vector(2, 0)];
  expect(topK(vector(1, 0), vectors, 3).map(({ index }) => index)).toEqual([1, 3, 2]);
  expect(topK(vector(1, 0), vectors, 9)).toHaveLength(4);
  expect(topK(vector(1, 0), [], 1)).toEqual([]);
});

test("vectors of different models are not compared", () => {
  expect(() => cosine(vector(1), vector(1, 2))).toThrow("The vectors have 1 and 2 values. Compare vectors of one model.");
  expect(() => topK(vector(1), [], 1.5)).toThrow("k is 1.5. Give a whole number from 0.");
});
