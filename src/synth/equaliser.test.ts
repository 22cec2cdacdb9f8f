import { expect, test } from "vitest";
import { seeded } from "../base/random.ts";
import { matchSpectrum } from "./equaliser.ts";
import { spectrogram, transform } from "./spectrum.ts";

const sampleRateHz = 24_000;

/** Noise whose spectrum a one-pole low-pass shapes. */
function noise(seed: number, smoothing: number): Float32Array {
  const rng = seeded(seed);
  let low = 0;
  return Float32Array.from({ length: 6 * sampleRateHz }, () => {
    low += (1 - smoothing) * (2 * rng() - 1 - low);
    return low;
  });
}

/** Mean magnitude in decibels of octaves from 125 Hz to 4 kHz, against their mean. */
function octaves(samples: Float32Array): number[] {
  const size = 4096;
  const { frames, bins, values } = spectrogram(samples, size, 2048);
  const levels = [125, 250, 500, 1000, 2000, 4000].map((centre) => {
    const [from, to] = [0.84, 1.19].map((factor) => Math.round((factor * centre * size) / sampleRateHz)) as [number, number];
    let sum = 0;
    for (let frame = 0; frame < frames; frame++) for (let k = from; k <= to; k++) sum += values[frame * bins + k]!;
    return 20 * Math.log10(sum / (to - from + 1));
  });
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  return levels.map((level) => level - mean);
}

test("recordings of different spectra get the spectrum that is asked for", () => {
  const target = (hertz: number) => -7 * Math.log2(hertz / 62.5);
  for (const smoothing of [0, 0.5, 0.9]) {
    const channel = noise(1, smoothing);
    const { left } = matchSpectrum({ left: channel, right: channel }, 0, channel.length, target, sampleRateHz);
    octaves(left).forEach((level, i) => {
      expect(Math.abs(level - (17.5 - 7 * i))).toBeLessThan(1);
    });
  }
});

test("a piece in the middle is aligned with its place in the recording", () => {
  const channel = new Float32Array(3 * sampleRateHz);
  for (let i = 500; i < channel.length; i += 1000) channel[i] = 1;
  const [from, to] = [20_000, 50_000];
  const { left } = matchSpectrum({ left: channel, right: channel }, from, to, () => 0, sampleRateHz);
  expect(left).toHaveLength(to - from);
  for (let i = 500; i < left.length; i += 1000) {
    const near = left.subarray(i - 400, i + 400);
    expect(near.indexOf(Math.max(...near))).toBe(400);
  }
});

test("the fast Fourier transform equals the definition", () => {
  for (const size of [2, 4, 8, 32, 128]) {
    const rng = seeded(size);
    const [real, imaginary] = [Float64Array.from({ length: size }, rng), Float64Array.from({ length: size }, rng)];
    const [gotReal, gotImaginary] = [real.slice(), imaginary.slice()];
    transform(gotReal, gotImaginary);
    for (let k = 0; k < size; k++) {
      let [wantedReal, wantedImaginary] = [0, 0];
      for (let t = 0; t < size; t++) {
        const [cos, sin] = [Math.cos((2 * Math.PI * k * t) / size), -Math.sin((2 * Math.PI * k * t) / size)];
        wantedReal += real[t]! * cos - imaginary[t]! * sin;
        wantedImaginary += real[t]! * sin + imaginary[t]! * cos;
      }
      expect(gotReal[k]).toBeCloseTo(wantedReal, 9);
      expect(gotImaginary[k]).toBeCloseTo(wantedImaginary, 9);
    }
  }
});
