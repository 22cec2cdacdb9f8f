// Long audio: the hidden states of a clip of any length, in bounded memory.
//
// The clip's statistics have been gathered in a first pass. In this second pass the frontend (convolutions, CQT, projection) runs in chunks. It
// gives each frame the values that a run over the whole clip gives, since its norm over time receives the moments of the whole clip. The
// transformer runs in windows over those frames. The result differs from that of one run in that attention and the positional convolution see
// one window at a time.

import { AudioError } from "../base/errors.ts";
import { type HostTensor, hostTensor, toFloat32 } from "../base/host-tensor.ts";
import type { Model } from "../models/model.ts";
import { type ClipStatistics, gatherStatistics, momentInputs } from "./clip-statistics.ts";
import { normalise } from "./input-normalisation.ts";
import type { HiddenStates } from "./pooling.ts";
import { rowBuffer } from "./row-buffer.ts";
import type { StageChain } from "./stage-chain.ts";
import { planWindows, type WindowOptions } from "./window.ts";

/** A clip that need not fit in memory: mono at the model's rate, read in pieces, any number of times. */
export interface LongClip {
  readonly statistics: ClipStatistics;
  /** All samples in order. */
  pieces(): AsyncIterable<Float32Array>;
}

/** Hidden states of frames firstFrame … firstFrame + frames - 1 of a clip. */
export interface FrameRun extends HiddenStates {
  readonly firstFrame: number;
}

export interface LongRun {
  readonly model: Model;
  readonly chain: StageChain;
  readonly normaliseInput: boolean;
}

/** Samples in memory as a long clip. */
export function longClip(samples: Float32Array, model: Pick<Model, "normWindows">): LongClip {
  const gathering = gatherStatistics(model);
  const pieces = () => Array.from({ length: Math.ceil(samples.length / pieceSamples) }, (_, i) => i * pieceSamples);
  const cut = (at: number) => samples.subarray(at, at + pieceSamples);
  for (const at of pieces()) gathering.push(cut(at));
  return {
    statistics: gathering.statistics(),
    async *pieces() {
      for (const at of pieces()) yield cut(at);
    },
  };
}

const pieceSamples = 2 ** 18;

/** Frames that the frontend computes at once: convolution 0 gives 512 values for every fifth sample, a hundred times the size of its output. */
const chunkFrames = 192;

/** The most frames yielded at once: they are a copy, and all layers of a window at once would double the memory. */
const runFrames = 256;

/** The frontend's output for a clip in order, [frames, width] at a time, equal to that of one run over the whole clip.
 *  @param tap the frontend's output, or a tap inside it with one row per frame.
 *  @throws AudioError when the second reading of the clip is not as long as the first. */
export async function* frontendFrames(run: LongRun, clip: LongClip, tap = "frontend"): AsyncGenerator<Float32Array> {
  const { model, chain, normaliseInput } = run;
  const { hopSamples: hop, minimumSamples, contextFrames: context } = model;
  const { statistics } = clip;
  const total = model.frameCount(statistics.samples);
  const moments = statistics.windows && momentInputs({ ...statistics, windows: statistics.windows }, normaliseInput);
  const samples = rowBuffer(1);
  const pieces = clip.pieces()[Symbol.asyncIterator]();
  try {
    for (let first = 0; first < total; first += chunkFrames) {
      const last = Math.min(total, first + chunkFrames);
      const from = Math.max(0, first - context);
      const to = Math.min(total, last + context);
      const end = to === total ? statistics.samples : (to - 1) * hop + minimumSamples;
      while (samples.end < end) {
        const { value, done } = await pieces.next();
        if (done)
          throw new AudioError(
            `The clip had ${statistics.samples} samples at first and ${samples.end} when it was read again. Run it again.`,
          );
        samples.append(value);
      }
      const cut = samples.cut(from * hop, end);
      const x = normaliseInput ? normalise(cut, statistics) : cut;
      const frames = toFloat32((await chain.run({ x: hostTensor(x, [1, x.length]), ...moments }, [tap]))[tap]!);
      const width = frames.length / (to - from);
      yield frames.subarray((first - from) * width, (last - from) * width);
      samples.dropBefore((last - context) * hop);
    }
  } finally {
    await pieces.return?.();
  }
}

/** Hidden states of a clip, computed in windows: every frame once, in order. `layers` are entries of `model.hiddenStates`; `batchSize` windows
 *  are one batch.
 *  @throws ConfigError for a wrong window, and what `frontendFrames` throws; `signal`'s reason when it aborts. */
export async function* windowedFrames(
  run: LongRun,
  clip: LongClip,
  layers: readonly number[],
  options: WindowOptions & { readonly batchSize?: number | undefined; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<FrameRun> {
  const { model, chain } = run;
  const { batchSize = 1, signal } = options;
  const outputs = layers.map((layer) => model.hiddenStates[layer]!);
  const windows = planWindows(model, clip.statistics.samples, options);
  const front = frontendFrames(run, clip);
  const frames = rowBuffer(model.width);
  try {
    for (let at = 0; at < windows.length; at += batchSize) {
      const batch = windows.slice(at, at + batchSize);
      const end = batch.at(-1)!.firstFrame + batch[0]!.frames;
      while (frames.end < end) {
        signal?.throwIfAborted();
        frames.append((await front.next()).value as Float32Array);
      }
      const each = batch[0]!.frames;
      const x = new Float32Array(batch.length * each * model.width);
      for (const [row, { firstFrame }] of batch.entries()) x.set(frames.cut(firstFrame, firstFrame + each), row * each * model.width);
      frames.dropBefore(windows[at + batchSize]?.firstFrame ?? end);
      signal?.throwIfAborted();
      const results = await chain.run({ x: hostTensor(x, [batch.length, each, model.width]) }, outputs, 1);
      const states = outputs.map((output) => results[output]!);
      for (const [row, { firstFrame, keepFrom, keepTo }] of batch.entries()) {
        for (let from = keepFrom; from < keepTo; from += runFrames) {
          const to = Math.min(keepTo, from + runFrames);
          const values = gatherRow(states, row, from - firstFrame, to - firstFrame);
          yield { layers, frames: to - from, width: model.width, values, firstFrame: from };
        }
      }
    }
  } finally {
    await front.return(undefined);
  }
}

/** Frames from … to - 1 of one row of each layer's [batch, frames, width], as [layers, frames, width]. */
export function gatherRow(layers: readonly HostTensor[], row: number, from: number, to: number): Float32Array {
  const [, time, width] = layers[0]!.shape as [number, number, number];
  const run = (to - from) * width;
  const values = new Float32Array(layers.length * run);
  layers.forEach((layer, i) => {
    const start = (row * time + from) * width;
    values.set(toFloat32(layer).subarray(start, start + run), i * run);
  });
  return values;
}
