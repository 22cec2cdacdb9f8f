// Window deviation: the difference between a layer's frames computed in windows and those of the whole clip.
import { longClip, windowedFrames } from "../src/inference/long.ts";
import type { StageChain } from "../src/inference/stage-chain.ts";
import type { WindowOptions } from "../src/inference/window.ts";
import type { Model } from "../src/models/model.ts";
import type { Values } from "../src/ops/program.ts";

/** The deviation of one layer. */
export interface WindowDeviation {
  /** ‖windowed − whole‖ / ‖whole‖ over all frames. */
  readonly relative: number;
  /** The same of the worst frame. */
  readonly worstFrame: number;
  /** The lowest cosine of any frame. */
  readonly lowestCosine: number;
  /** `relative` of the mean over time. */
  readonly timeMean: number;
}

/** Runs a clip whole, as one window, and returns a function that runs it in windows and compares. The output of the frontend, which windows
 *  don't affect, is kept from the first run. */
export async function deviationOf(
  model: Model,
  chain: StageChain,
  clip: Float32Array,
): Promise<{ of(window: WindowOptions): Promise<WindowDeviation[]> }> {
  const { layers: count, width } = model;
  const remembered = new Map<number, Values>();
  const remembering: StageChain = {
    ...chain,
    async run(inputs, outputs, first) {
      if (outputs.join() !== "frontend") return chain.run(inputs, outputs, first);
      const chunk = chunks++;
      const known = remembered.get(chunk) ?? (await chain.run(inputs, outputs));
      remembered.set(chunk, known);
      return known;
    },
  };
  let chunks = 0;
  const long = longClip(clip, model);
  const all = Array.from({ length: count + 1 }, (_, layer) => layer);
  const inWindows = (window: WindowOptions) => {
    chunks = 0;
    return windowedFrames({ model, chain: remembering, normaliseInput: false }, long, all, window);
  };
  const total = model.frameCount(clip.length);
  const layers = all.map(() => new Float32Array(total * width));
  for await (const { firstFrame, frames, values } of inWindows({ windowSeconds: clip.length / model.sampleRateHz + 1 })) {
    layers.forEach((layer, i) => {
      layer.set(values.subarray(i * frames * width, (i + 1) * frames * width), firstFrame * width);
    });
  }
  return {
    async of(window) {
      const sums = layers.map(() => ({
        apart: 0,
        whole: 0,
        worst: 0,
        cosine: 1,
        drift: new Float64Array(width),
        mean: new Float64Array(width),
      }));
      for await (const { firstFrame, frames, values } of inWindows(window)) {
        for (const [i, sum] of sums.entries()) {
          for (let frame = 0; frame < frames; frame++) {
            const at = (i * frames + frame) * width;
            const wholeAt = (firstFrame + frame) * width;
            let [apart, whole, own, both] = [0, 0, 0, 0];
            for (let j = 0; j < width; j++) {
              const [a, b] = [values[at + j]!, layers[i]![wholeAt + j]!];
              apart += (a - b) ** 2;
              whole += b * b;
              own += a * a;
              both += a * b;
              sum.drift[j]! += a - b;
              sum.mean[j]! += b;
            }
            sum.apart += apart;
            sum.whole += whole;
            sum.worst = Math.max(sum.worst, Math.sqrt(apart / whole));
            sum.cosine = Math.min(sum.cosine, both / Math.sqrt(own * whole));
          }
        }
      }
      return sums.map(({ apart, whole, worst, cosine, drift, mean }) => ({
        relative: Math.sqrt(apart / whole),
        worstFrame: worst,
        lowestCosine: cosine,
        timeMean: Math.hypot(...drift) / Math.hypot(...mean),
      }));
    },
  };
}
