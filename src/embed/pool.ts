// Pooling over pieces: hidden states arrive window by window and are pooled in bounded memory.
import { ConfigError } from "../base/errors.ts";
import type { FrameRun } from "../inference/long.ts";
import { averageLayers, type LayerAverage, l2Normalise, type Pooling } from "../inference/pooling.ts";
import type { Chunk, PooledShape } from "./embedding.ts";

export interface PoolOptions {
  readonly pooling: Pooling;
  /** Averages the layers; pooling "weighted" needs it. */
  readonly average?: LayerAverage | undefined;
  /** Scale each vector to Euclidean length 1 after pooling. */
  readonly l2: boolean;
}

/** The shape of a clip's hidden states. */
export interface Sizes {
  readonly layers: number;
  readonly frames: number;
  readonly width: number;
}

/** The shape after pooling. An average leaves one layer. */
export function pooledShape({ pooling, average }: Pick<PoolOptions, "pooling" | "average">, sizes: Sizes): PooledShape {
  const { frames, width } = sizes;
  const layers = average ? 1 : sizes.layers;
  if (pooling === "none") return [layers, frames, width];
  return pooling === "mean" ? [layers, width] : [width];
}

/** Pools pieces that together hold every frame once. */
export async function* poolPieces(pieces: AsyncIterable<FrameRun>, sizes: Sizes, options: PoolOptions): AsyncGenerator<Chunk> {
  const { width } = sizes;
  const { pooling, average, l2 } = options;
  const averaged = (values: Float32Array) => (average ? averageLayers(values, average) : values);
  const scaled = (values: Float32Array) => (l2 ? eachUnit(values, width) : values);
  if (pooling === "none") {
    const left = { ...sizes, layers: average ? 1 : sizes.layers };
    for await (const piece of pieces) yield* layerRuns({ ...piece, values: scaled(averaged(piece.values)) }, left);
    return;
  }
  yield { offset: 0, values: scaled(averaged(await meanOverTime(pieces, sizes))) };
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
