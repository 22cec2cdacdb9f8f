// Windows: the sections of a long clip that the transformer sees at once, and which frames of each are kept.
import { ConfigError } from "../base/errors.ts";
import type { Model } from "../models/model.ts";

export interface WindowOptions {
  /** Length of a window. */
  readonly windowSeconds: number;
  /** Overlap of neighbouring windows; default 0. */
  readonly overlapSeconds?: number | undefined;
}

/** One run of the transformer over frames firstFrame … firstFrame + frames - 1 of the clip, and those among them that are kept. */
export interface Window {
  readonly firstFrame: number;
  readonly frames: number;
  /** keepFrom … keepTo - 1, frames of the clip. */
  readonly keepFrom: number;
  readonly keepTo: number;
}

type Frames = Pick<Model, "frameCount" | "hopSamples" | "minimumSamples" | "sampleRateHz">;

/** By default a clip up to this length is one window, and a longer one uses `defaultWindow`. The cost of attention is quadratic: at two minutes
 *  it doubles the time per second of audio; at five minutes the time is threefold, and memory 4 GB. */
export const wholeSeconds = 120;
export const defaultWindow = { windowSeconds: 30, overlapSeconds: 5 } as const satisfies WindowOptions;

/** The default windows for a clip. */
export function windowFor({ sampleRateHz }: Pick<Model, "sampleRateHz">, clipSamples: number): Required<WindowOptions> {
  return clipSamples <= wholeSeconds * sampleRateHz ? { windowSeconds: wholeSeconds, overlapSeconds: 0 } : defaultWindow;
}

/** Cuts a clip into windows of equal length, the last one shifted back to end with the clip. A frame in several windows is kept from the one in
 *  which it is farther from an edge. A clip that fits one window is one window.
 *  @throws ConfigError when the window is shorter than a frame, or the overlap is not shorter than the window. */
export function planWindows(model: Frames, clipSamples: number, { windowSeconds, overlapSeconds = 0 }: WindowOptions): Window[] {
  const asked = Math.round(windowSeconds * model.sampleRateHz);
  if (!(asked >= model.minimumSamples)) {
    const milliseconds = Math.ceil((1000 * model.minimumSamples) / model.sampleRateHz);
    throw new ConfigError(`window is ${windowSeconds} s: it must hold at least one frame, which takes ${milliseconds} ms.`);
  }
  if (!(overlapSeconds >= 0 && overlapSeconds < windowSeconds)) {
    throw new ConfigError(`overlap is ${overlapSeconds} s: it must be 0 or more and less than the window of ${windowSeconds} s.`);
  }
  const total = model.frameCount(clipSamples);
  const frames = model.frameCount(asked);
  if (total <= frames) return [{ firstFrame: 0, frames: total, keepFrom: 0, keepTo: total }];
  const shared = Math.round((overlapSeconds * model.sampleRateHz) / model.hopSamples);
  const step = Math.max(1, frames - shared);
  const starts: number[] = [];
  for (let first = 0; first + frames < total; first += step) starts.push(first);
  starts.push(total - frames);
  return starts.map((firstFrame, i) => ({
    firstFrame,
    frames,
    keepFrom: i === 0 ? 0 : meeting(starts[i - 1]!, firstFrame, frames),
    keepTo: i === starts.length - 1 ? total : meeting(firstFrame, starts[i + 1]!, frames),
  }));
}

/** The first frame that is farther from an edge in the later of two windows than in the earlier one. */
function meeting(earlier: number, later: number, frames: number): number {
  return Math.floor((earlier + frames - 1 + later) / 2) + 1;
}
