import { expect, test } from "vitest";
import { concatSamples, downmix, durationSeconds, isSilent, peak, sampleCount } from "./waveform.ts";

const stereo = { sampleRateHz: 4, channels: [Float32Array.of(1, 0, -1, 0), Float32Array.of(0, 0.5, -1, 0)] };

test("the downmix is the mean of the channels", () => {
  expect([...downmix(stereo)]).toEqual([0.5, 0.25, -1, 0]);
  expect([...downmix({ channels: [...stereo.channels, Float32Array.of(-1, 1, -1, 3)] })]).toEqual([0, 0.5, -1, 1]);
});

test("one channel is its own downmix, not a copy", () => {
  expect(downmix({ channels: [stereo.channels[0]!] })).toBe(stereo.channels[0]);
});

test("peak, length and silence are told over all channels", () => {
  expect(peak(stereo)).toBe(1);
  expect(sampleCount(stereo)).toBe(4);
  expect(durationSeconds(stereo)).toBe(1);
  expect(isSilent(stereo)).toBe(false);
  expect(isSilent({ channels: [Float32Array.of(0, 2e-5)] })).toBe(true);
  expect(isSilent({ channels: [Float32Array.of(0, 2e-5)] }, 0)).toBe(false);
});

test("pieces are joined in order", () => {
  expect([...concatSamples([Float32Array.of(1), new Float32Array(0), Float32Array.of(2, 3)])]).toEqual([1, 2, 3]);
});
