// Windows: long clips run in pieces of bounded memory, cut so that every frame of the whole clip is computed once and kept once.
import { ConfigError } from "../base/errors.ts";
import type { Model } from "../models/model.ts";

export interface WindowOptions {
  /** Length of a window. */
  readonly windowSeconds: number;
  /** What neighbouring windows share at least; default 0. */
  readonly overlapSeconds?: number;
}

/** One run of the model over [startSample, startSample + samples), and the frames of the whole clip that are taken from it. */
export interface Window {
  readonly startSample: number;
  readonly samples: number;
  /** The clip's frame that is the window's frame 0. */
  readonly firstFrame: number;
  /** Frames of the clip that are kept: keepFrom … keepTo - 1. */
  readonly keepFrom: number;
  readonly keepTo: number;
}

type Frames = Pick<Model, "frameCount" | "hopSamples" | "minimumSamples" | "sampleRateHz">;

/** Cuts a clip into windows. Each starts at a multiple of the hop, so its frames lie on the grid of the whole clip's frames; each has the
 *  same length, the last being shifted back; a frame that several windows hold is taken from the one in which it lies farther from an edge.
 *  A clip that fits one window is one window, so that windowing changes nothing for it. A window is shortened to end with its last
 *  frame (by less than a hop): so its length, too, is one that whole frames fill.
 *  @throws ConfigError when the window holds no frame or the overlap is not shorter than it. */
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
  if (clipSamples <= asked || total <= frames) return [{ startSample: 0, samples: clipSamples, firstFrame: 0, keepFrom: 0, keepTo: total }];
  // Windows that only touch would miss the frames that straddle their edges: so they never lie farther apart than their frames reach.
  const step = Math.min(frames, Math.max(1, Math.floor(((windowSeconds - overlapSeconds) * model.sampleRateHz) / model.hopSamples)));
  const starts: number[] = [];
  for (let first = 0; first + frames < total; first += step) starts.push(first);
  starts.push(total - frames);
  return starts.map((firstFrame, i) => ({
    startSample: firstFrame * model.hopSamples,
    samples: (frames - 1) * model.hopSamples + model.minimumSamples,
    firstFrame,
    keepFrom: i === 0 ? 0 : meeting(starts[i - 1]!, firstFrame, frames),
    keepTo: i === starts.length - 1 ? total : meeting(firstFrame, starts[i + 1]!, frames),
  }));
}

/** The first frame that lies farther from an edge in the later of two windows; the earlier one wins where both are equal. */
function meeting(earlier: number, later: number, frames: number): number {
  return Math.floor((earlier + frames - 1 + later) / 2) + 1;
}

/** The deviation that windows bring, in words for provenance; undefined where the clip fits one window. */
export function windowDeviation(windows: readonly Window[], { windowSeconds, overlapSeconds = 0 }: WindowOptions): string | undefined {
  if (windows.length < 2) return undefined;
  return (
    `${windows.length} windows of ${windowSeconds} s overlapping by ${overlapSeconds} s: attention, positions and the statistics of norms over ` +
    "time see one window at a time, so values differ from those of the whole clip, most near the places where windows meet"
  );
}
