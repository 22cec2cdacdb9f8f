// TrainingOps: what training asks of an engine beyond a model's words: gradients, randomness, updates in place, and scopes for memory.
import type { HostTensor } from "../base/host-tensor.ts";

export interface TrainingOps<T> {
  /** A host tensor on the engine's device, and back (as float32, int32 or bool). Reading waits for the device. */
  fromHost(values: HostTensor): T;
  toHost(x: T): HostTensor;
  /** Overwrites a tensor's values. */
  write(x: T, values: HostTensor): void;

  /** The same values and memory, cut off from the graph before: what `gradients` may be asked for. */
  leaf(x: T): T;
  /** The same values and memory, a constant to gradients. */
  detach(x: T): T;
  /** Runs `body` without recording. */
  noGrad<R>(body: () => R): R;
  /** What each input's change does to Σ seeds · outputs; undefined where it does nothing. A seed left out stands for ones.
   *  The graph behind the outputs is used up. */
  gradients(outputs: readonly T[], seeds: readonly (T | undefined)[], inputs: readonly T[]): (T | undefined)[];
  /** x itself; its gradient on the way back is multiplied by `factor`. */
  scaleGradient(x: T, factor: number): T;

  /** Zeros with the given probability, the rest scaled by 1 / (1 − probability). */
  dropout(x: T, probability: number): T;
  /** As `Ops.attention`, with dropout of the attention's weights. */
  attention(q: T, k: T, v: T, lengths: T | undefined, dropout: number): T;
  /** Restarts the device's generator, and the state to come back to: a recomputed stage must draw what it drew before. */
  seed(seed: number): void;
  randomState(): T;
  setRandomState(state: T): void;

  /** Runs `body` and frees every tensor made in it but those in its result and those told to `keep`. One scope a step, one `await` between. */
  tidy<R>(body: () => R): R;
  /** Takes a tensor out of all scopes: its holder disposes it. */
  keep(x: T): T;
  dispose(xs: Iterable<T>): void;

  readonly update: Updates<T>;
}

/** Changes in place, over lists of tensors at once. Nothing is recorded. */
export interface Updates<T> {
  /** x ← factor · x. A factor that is a scalar tensor never leaves the device. */
  scale(xs: readonly T[], factor: number | T): void;
  /** x ← x + factor · y. */
  add(xs: readonly T[], ys: readonly T[], factor?: number): void;
  /** x ← x + weight · (y − x): an exponential moving average. */
  average(xs: readonly T[], ys: readonly T[], weight: number): void;
  copy(xs: readonly T[], ys: readonly T[]): void;
  /** The norm of all entries together, a float32 scalar. */
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
  /** The update's number n, from 1. */
  readonly step: number;
  readonly rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly decay: number;
}
