import { expect, test } from "vitest";
import { moodOf, toNineSteps } from "./mood.ts";
import { planSong } from "./song.ts";

const neutral = {
  beatsPerMinute: 108,
  onsetsPerBeat: 2.8,
  gate: 0.67,
  velocity: 0.63,
  pitch: 63,
  roughness: 0.28,
  mode: "major",
} as const;

test("mood follows its written rule", () => {
  expect(moodOf(neutral)).toEqual({ arousal: 0, valence: 0.17 });
  expect(moodOf({ ...neutral, mode: "minor" })).toEqual({ arousal: 0, valence: -0.17 });
  expect(moodOf({ ...neutral, beatsPerMinute: 54 })).toEqual({ arousal: -0.32, valence: 0.17 });
  expect(moodOf({ ...neutral, onsetsPerBeat: 5.6 })).toEqual({ arousal: 0.24, valence: 0.17 });
  expect(moodOf({ ...neutral, gate: 0.42 })).toEqual({ arousal: 0.24, valence: 0.44 });
  expect(moodOf({ ...neutral, velocity: 0.545 })).toEqual({ arousal: -0.1, valence: 0.17 });
  expect(moodOf({ ...neutral, pitch: 83 })).toEqual({ arousal: 0, valence: 0.49 });
  expect(moodOf({ ...neutral, roughness: 0.43 })).toEqual({ arousal: 0, valence: 0.05 });
});

test("EmoMusic's scale runs from 1 to 9", () => {
  expect([-1, 0, 1].map(toNineSteps)).toEqual([1, 5, 9]);
});

test("no single fact of the score explains half the variance of arousal or valence, nor do tempo and mode together", () => {
  const labels = Array.from({ length: 320 }, (_, song) => planSong({ seed: 2, song, clipSeconds: 30, sampleRateHz: 24_000 }).emotion());
  const columns = {
    tempo: labels.map(({ facts }) => Math.log2(facts.beatsPerMinute)),
    mode: labels.map(({ facts }) => (facts.mode === "major" ? 1 : -1)),
    density: labels.map(({ facts }) => Math.log2(facts.onsetsPerBeat)),
    articulation: labels.map(({ facts }) => facts.gate),
    dynamics: labels.map(({ facts }) => facts.velocity),
    register: labels.map(({ facts }) => facts.pitch),
    roughness: labels.map(({ facts }) => facts.roughness),
  };
  for (const mood of ["arousal", "valence"] as const) {
    const values = labels.map((label) => label.mood[mood]);
    for (const [name, column] of Object.entries(columns)) expect(correlation(column, values) ** 2, `${name}, ${mood}`).toBeLessThan(0.5);
    const [a, b, c] = [correlation(columns.tempo, values), correlation(columns.mode, values), correlation(columns.tempo, columns.mode)];
    expect((a * a + b * b - 2 * a * b * c) / (1 - c * c), `tempo and mode, ${mood}`).toBeLessThan(0.5);
  }
});

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    ab += (value - meanA) * (b[i]! - meanB);
    aa += (value - meanA) ** 2;
    bb += (b[i]! - meanB) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}
