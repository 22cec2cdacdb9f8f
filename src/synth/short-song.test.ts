import { expect, test } from "vitest";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { downmix, durationSeconds, peak } from "../audio/waveform.ts";
import { shortSong } from "./short-song.ts";

const piece = shortSong({ seconds: 8, sampleRateHz: 22_050, seed: 1 });

test("a seed decides every sample", () => {
  const again = shortSong({ seconds: 8, sampleRateHz: 22_050, seed: 1 });
  const other = shortSong({ seconds: 8, sampleRateHz: 22_050, seed: 2 });
  expect(maxDifference(downmix(piece), downmix(again))).toBe(0);
  expect(maxDifference(downmix(piece), downmix(other))).toBeGreaterThan(0.1);
});

test("the piece is stereo, of the asked length, and does not clip", () => {
  expect(piece.channels).toHaveLength(2);
  expect(durationSeconds(piece)).toBe(8);
  expect(peak(piece)).toBeCloseTo(0.85, 5);
  expect(maxDifference(piece.channels[0]!, piece.channels[1]!)).toBeGreaterThan(0.05);
});

/** Loudness every 10 ms: what a section's rhythm looks like. */
function loudness(samples: Float32Array): number[] {
  const hop = 220;
  return Array.from({ length: Math.floor(samples.length / hop) }, (_, i) =>
    Math.sqrt(samples.subarray(i * hop, (i + 1) * hop).reduce((sum, x) => sum + x * x, 0) / hop),
  );
}

test("its form is A A B A: the A sections resemble each other more than B", () => {
  const mono = downmix(piece);
  const [a1, a2, b, a3] = [0, 1, 2, 3].map((i) => loudness(mono.slice((i * mono.length) / 4, ((i + 1) * mono.length) / 4)));
  const distance = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + Math.abs(value - y[i]!), 0);
  expect(distance(a1!, a2!)).toBeLessThan(distance(a1!, b!) / 3);
  expect(distance(a1!, a3!)).toBeLessThan(distance(a3!, b!) / 3);
});
