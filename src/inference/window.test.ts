// Windows: every frame once, all of one length, on the grid of the whole clip.
import { describe, expect, test } from "vitest";
import { planWindows } from "./window.ts";

/** Frames as the family's convolutions count them: 400 samples give the first, each further 320 another. */
const model = {
  sampleRateHz: 24_000,
  hopSamples: 320,
  minimumSamples: 400,
  frameCount: (samples: number) => Math.max(0, Math.floor((samples - 400) / 320) + 1),
};

describe.each([
  [5, 0],
  [5, 1],
  [5, 4.5],
  [0.02, 0],
])("windows of %d s overlapping by %d s", (windowSeconds, overlapSeconds) => {
  test.each([120_000, 120_320, 240_001, 1_000_000])("cover each frame of %d samples exactly once and stay inside the clip", (samples) => {
    const windows = planWindows(model, samples, { windowSeconds, overlapSeconds });
    expect(windows[0]!.keepFrom).toBe(0);
    windows.forEach((window, i) => {
      const next = windows[i + 1];
      expect(window.keepTo).toBe(next ? next.keepFrom : model.frameCount(samples));
      expect(window.keepTo).toBeGreaterThan(window.keepFrom);
      expect(window.startSample).toBe(window.firstFrame * model.hopSamples);
      expect(window.startSample + window.samples).toBeLessThanOrEqual(samples);
      expect(window.keepFrom).toBeGreaterThanOrEqual(window.firstFrame);
      expect(window.keepTo).toBeLessThanOrEqual(window.firstFrame + model.frameCount(window.samples));
      expect(window.samples).toBe(windows[0]!.samples);
    });
  });
});

test("a frame in an overlap is taken from the window in which it lies farther from an edge", () => {
  const windows = planWindows(model, 400_000, { windowSeconds: 5, overlapSeconds: 2 });
  const frames = model.frameCount(windows[0]!.samples);
  const depth = (window: (typeof windows)[number], frame: number) =>
    Math.min(frame - window.firstFrame, window.firstFrame + frames - 1 - frame);
  windows.forEach((window, i) => {
    const previous = windows[i - 1];
    if (!previous) return;
    expect(depth(window, window.keepFrom)).toBeGreaterThan(depth(previous, window.keepFrom));
    expect(depth(previous, window.keepFrom - 1)).toBeGreaterThanOrEqual(depth(window, window.keepFrom - 1));
  });
});

test("a clip that fits one window is run whole", () => {
  expect(planWindows(model, 120_000, { windowSeconds: 5 })).toEqual([
    { startSample: 0, samples: 120_000, firstFrame: 0, keepFrom: 0, keepTo: 374 },
  ]);
});

test("a window without a frame and an overlap as long as the window are refused by name", () => {
  expect(() => planWindows(model, 120_000, { windowSeconds: 0.01 })).toThrow("window is 0.01 s");
  expect(() => planWindows(model, 120_000, { windowSeconds: 5, overlapSeconds: 5 })).toThrow("overlap is 5 s");
});
