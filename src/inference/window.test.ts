// Windows: every frame once, all of one length.
import { describe, expect, test } from "vitest";
import { defaultWindow, planWindows, wholeSeconds, windowFor } from "./window.ts";

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
      expect(window.firstFrame + window.frames).toBeLessThanOrEqual(model.frameCount(samples));
      expect(window.keepFrom).toBeGreaterThanOrEqual(window.firstFrame);
      expect(window.keepTo).toBeLessThanOrEqual(window.firstFrame + window.frames);
      expect(window.frames).toBe(windows[0]!.frames);
    });
  });
});

test("a frame in an overlap is taken from the window in which it lies farther from an edge", () => {
  const windows = planWindows(model, 400_000, { windowSeconds: 5, overlapSeconds: 2 });
  const { frames } = windows[0]!;
  const depth = (window: (typeof windows)[number], frame: number) =>
    Math.min(frame - window.firstFrame, window.firstFrame + frames - 1 - frame);
  windows.forEach((window, i) => {
    const previous = windows[i - 1];
    if (!previous) return;
    expect(depth(window, window.keepFrom)).toBeGreaterThan(depth(previous, window.keepFrom));
    expect(depth(previous, window.keepFrom - 1)).toBeGreaterThanOrEqual(depth(window, window.keepFrom - 1));
  });
});

test("a clip that fits one window is one window", () => {
  expect(planWindows(model, 120_000, { windowSeconds: 5 })).toEqual([{ firstFrame: 0, frames: 374, keepFrom: 0, keepTo: 374 }]);
});

test("by default a clip up to two minutes is one window, and a longer one uses windows of 30 s", () => {
  const longest = wholeSeconds * model.sampleRateHz;
  expect(planWindows(model, longest, windowFor(model, longest))).toHaveLength(1);
  expect(windowFor(model, longest + 1)).toEqual(defaultWindow);
});

test("a window without a frame and an overlap as long as the window are refused by name", () => {
  expect(() => planWindows(model, 120_000, { windowSeconds: 0.01 })).toThrow("window is 0.01 s");
  expect(() => planWindows(model, 120_000, { windowSeconds: 5, overlapSeconds: 5 })).toThrow("overlap is 5 s");
});
