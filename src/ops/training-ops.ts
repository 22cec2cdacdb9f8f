// TrainingOps: the operators that training needs beyond those of models: gradients, randomness, updates in place, and memory scopes.
import type { HostTensor } from "../base/host-tensor.ts";

export interface TrainingOps<T> {
  /** Copies a host tensor to the engine's device, and back as float32, int32 or bool. Copying back waits for the device. */
  fromHost(values: HostTensor): T;
  toHost(x: T): HostTensor;
  /** Overwrites a tensor's values. */
  write(x: T, values: HostTensor): void;

  /** A tensor that shares memory with `x`, is detached from its graph, and requires gradients. */
  leaf(x: T): T;
  /** A tensor that shares memory with `x` and is detached from its graph. */
  detach(x: T): T;
  /** Runs `body` without recording a graph. */
  noGrad<R>(body: () => R): R;
  /** Gradients of Σ seeds·outputs with respect to each input, undefined where no output depends on it. An undefined seed means ones.
   *  The graph of the outputs is freed. */
  gradients(outputs: readonly T[], seeds: readonly (T | undefined)[], inputs: readonly T[]): (T | undefined)[];
  /** The identity; the gradient with respect to x is multiplied by `factor`. */
  scaleGradient(x: T, factor: number): T;

  /** Sets entries to zero with the given probability and scales the others by 1 / (1 − probability). */
  dropout(x: T, probability: number): T;
  /** As `Ops.attention`, with dropout on the attention weights. */
  attention(q: T, k: T, v: T, lengths: T | undefined, dropout: number): T;
  /** Seeds the device's generator. */
  seed(seed: number): void;
  /** The generator's state: a recomputed stage must draw the same numbers as before. */
  randomState(): T;
  setRandomState(state: T): void;

  /** Runs `body` and frees every tensor created in it except those in its result and those passed to `keep`. Use one scope a training step, with
   *  an `await` between steps. */
  tidy<R>(body: () => R): R;
  /** Removes a tensor from all scopes: the caller disposes it. */
  keep(x: T): T;
  dispose(xs: Iterable<T>): void;

  readonly update: Updates<T>;
}

/** Updates in place over lists of tensors, without recording a graph. */
export interface Updates<T> {
  /** x ← factor · x. A scalar tensor as factor stays on the device. */
  scale(xs: readonly T[], factor: number | T): void;
  /** x ← x + factor · y. */
  add(xs: readonly T[], ys: readonly T[], factor?: number): void;
  /** x ← x + weight · (y − x): an exponential moving average. */
  average(xs: readonly T[], ys: readonly T[], weight: number): void;
  copy(xs: readonly T[], ys: readonly T[]): void;
  /** The L2 norm of all entries of all tensors, a float32 scalar. */
  norm(xs: readonly T[]): T;
  adam(tensors: AdamTensors<T>, step: AdamStep): void;
}

export interface AdamTensors<T> {
  readonly params: readonly T[];
  readonly gradients: readonly T[];
  /** Running means of the gradients and of their squares, float32. */
  readonly means: readonly T[];
  readonly squares: readonly T[];
}

/** fairseq's Adam: decoupled decay first, then p ← p − rate · √(1 − β₂ⁿ) / (1 − β₁ⁿ) · mean / (√square + eps). Unlike torch's AdamW, eps
 *  is not bias-corrected (fairseq/optim/adam.py). */
export interface AdamStep {
  /** The number of the update, n ≥ 1. */
  readonly step: number;
  readonly rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly decay: number;
}
