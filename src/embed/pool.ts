// Pooling over pieces: hidden states arrive window by window and are pooled in bounded memory.
import { ConfigError } from "../base/errors.ts";
import type { FrameRun } from "../inference/long.ts";
import { averageLayers, type LayerAverage, l2Normalise, type Pooling } from "../inference/pooling.ts";
import type { Chunk } from "./embedding.ts";

export interface PoolOptions {
  readonly pooling: Pooling;
  /** For "weighted". */
  readonly average: LayerAverage;
  /** Scale each vector to Euclidean length 1 after pooling. */
  readonly l2: boolean;
}

/** The shape of a clip's hidden states. */
export interface Sizes {
  readonly layers: number;
  readonly frames: number;
  readonly width: number;
}

/** The shape after pooling. */
export function pooledShape(pooling: Pooling, { layers, frames, width }: Sizes): number[] {
  if (pooling === "none") return [layers, frames, width];
  return pooling === "mean" ? [layers, width] : [width];
}

/** Pools pieces that together hold every frame once. */
export async function* poolPieces(pieces: AsyncIterable<FrameRun>, sizes: Sizes, options: PoolOptions): AsyncGenerator<Chunk> {
  const { width } = sizes;
  if (options.pooling === "none") {
    for await (const piece of pieces) yield* layerRuns(options.l2 ? { ...piece, values: eachUnit(piece.values, width) } : piece, sizes);
    return;
  }
  const means = await meanOverTime(pieces, sizes);
  const pooled = options.pooling === "mean" ? means : averageLayers(means, options.average);
  yield { offset: 0, values: options.l2 ? eachUnit(pooled, width) : pooled };
}

/** A piece has consecutive frames of every layer, which are one chunk for each layer. */
function* layerRuns({ values, frames, firstFrame }: FrameRun, sizes: Sizes): Generator<Chunk> {
  const run = frames * sizes.width;
  for (let layer = 0; layer < sizes.layers; layer++) {
    yield { offset: (layer * sizes.frames + firstFrame) * sizes.width, values: values.subarray(layer * run, (layer + 1) * run) };
  }
}

/** [layers, width], summed in float64 as `timeMean` does. */
async function meanOverTime(pieces: AsyncIterable<FrameRun>, { layers, frames, width }: Sizes): Promise<Float32Array> {
  const sums = new Float64Array(layers * width);
  for await (const piece of pieces) {
    for (let layer = 0; layer < layers; layer++) {
      for (let frame = 0; frame < piece.frames; frame++) {
        const at = (layer * piece.frames + frame) * width;
        for (let i = 0; i < width; i++) sums[layer * width + i]! += piece.values[at + i]!;
      }
    }
  }
  return Float32Array.from(sums, (sum) => sum / frames);
}

/** Each vector of `width` values scaled to length 1. */
function eachUnit(values: Float32Array, width: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += width) out.set(l2Normalise(values.subarray(at, at + width)), at);
  return out;
}

/** The given average, or equal weights. @throws ConfigError unless it has one weight for each layer. */
export function layerAverage(given: LayerAverage | undefined, layers: number): LayerAverage {
  const average = given ?? { kind: "softmax", logits: new Array<number>(layers).fill(0) };
  const count = average.kind === "softmax" ? average.logits.length : average.weights.length;
  if (count !== layers) {
    throw new ConfigError(
      `The layer average has ${count} weights, but ${layers} layers were chosen. Give one weight for each layer, in the order of the layers.`,
    );
  }
  return average;
}
