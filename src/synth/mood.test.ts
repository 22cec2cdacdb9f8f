import { expect, test } from "vitest";
import { moodOf, toNineSteps } from "./mood.ts";

const plain = { beatsPerMinute: 108, onsetsPerSecond: 6, gate: 0.675, mode: "major", chords: [{ quality: "maj", seconds: 2 }] } as const;

test("mood follows its written rule", () => {
  expect(moodOf(plain)).toEqual({ arousal: 0, valence: 0.82 });
  expect(moodOf({ ...plain, beatsPerMinute: 54 })).toEqual({ arousal: -0.45, valence: 0.64 });
  expect(moodOf({ ...plain, onsetsPerSecond: 50, gate: 0.35 })).toEqual({ arousal: 0.55, valence: 0.82 });
  expect(moodOf({ ...plain, mode: "minor", chords: [{ quality: "dim7", seconds: 1 }] })).toEqual({ arousal: 0, valence: -0.82 });
});

test("EmoMusic's scale runs from 1 to 9", () => {
  expect([-1, 0, 1].map(toNineSteps)).toEqual([1, 5, 9]);
});
