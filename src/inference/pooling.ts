// Pooling: from the hidden states of a clip to one vector, as model cards and benchmarks do it.
import { ConfigError } from "../base/errors.ts";

/** none: every frame. mean: the time mean of each layer. weighted: the time means, averaged over layers by learned weights. */
export type Pooling = "none" | "mean" | "weighted";

/** Hidden states of one clip. */
export interface HiddenStates {
  /** Which entries of transformers' `hidden_states` these are. */
  readonly layers: readonly number[];
  readonly frames: number;
  readonly width: number;
  /** [layers, frames, width]. */
  readonly values: Float32Array;
}

/** The mean over time: [layers, frames, width] → [layers, width]. */
export function timeMean({ layers, frames, width, values }: HiddenStates): Float32Array {
  const means = new Float32Array(layers.length * width);
  const sums = new Float64Array(width);
  for (let layer = 0; layer < layers.length; layer++) {
    sums.fill(0);
    for (let frame = 0; frame < frames; frame++) {
      const at = (layer * frames + frame) * width;
      for (let i = 0; i < width; i++) sums[i]! += values[at + i]!;
    }
    for (let i = 0; i < width; i++) means[layer * width + i] = sums[i]! / frames;
  }
  return means;
}

/** The model cards' aggregator, a `Conv1d(layers, 1, kernel_size=1)`: any weights and a bias. */
export interface UnconstrainedAverage {
  readonly kind: "unconstrained";
  readonly weights: readonly number[];
  readonly bias: number;
}

/** MARBLE's aggregator: the weights are the softmax of learned logits. */
export interface SoftmaxAverage {
  readonly kind: "softmax";
  readonly logits: readonly number[];
}

/** A learned average over layers. */
export type LayerAverage = UnconstrainedAverage | SoftmaxAverage;

/** Applies a learned average over layers: [layers, n] → [n]. */
export function averageLayers(values: Float32Array, average: LayerAverage): Float32Array {
  const weights = average.kind === "softmax" ? softmax(average.logits) : average.weights;
  const n = values.length / weights.length;
  if (!Number.isInteger(n))
    throw new ConfigError(`${values.length} values can't be averaged over ${weights.length} layers: give one weight a layer.`);
  const out = new Float32Array(n).fill(average.kind === "softmax" ? 0 : average.bias);
  weights.forEach((weight, layer) => {
    for (let i = 0; i < n; i++) out[i]! += weight * values[layer * n + i]!;
  });
  return out;
}

/** Scales a vector to Euclidean length 1; zeros stay zeros. */
export function l2Normalise(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return length === 0 ? vector : vector.map((x) => x / length);
}

function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const total = powers.reduce((sum, p) => sum + p, 0);
  return powers.map((p) => p / total);
}
