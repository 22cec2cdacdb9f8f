// Ops: the operators that models are written in. Each engine implements them: the ONNX tracer writes graph nodes, libtorch computes.
// `T` is the engine's tensor type, so a tensor of one engine can't be passed to another.
//
// Conventions: activations are [batch, time, channels]. Elementwise operators broadcast as in NumPy. Axes may be negative.
// Reductions keep the reduced axis with size 1. Models do not know the sizes of batch and time: they use operators such as `splitHeads` and
// `matchLength` instead of arithmetic on shapes, so one definition serves eager tensors and traced graphs.
import type { DType } from "../base/dtypes.ts";

/** Activations by transformers' names. "gelu_new" is GELU's tanh approximation, "quick_gelu" is x · σ(1.702 x), "silu" is x · σ(x). */
export type Activation = "gelu" | "gelu_new" | "quick_gelu" | "silu" | "relu" | "tanh" | "none";

export interface ConvOptions {
  stride?: number;
  /** Zeros added at each end of the time axis. */
  padding?: number;
  groups?: number;
  dilation?: number;
}

/** Weights of an LSTM in torch's layout: `input` [4 · width, in], `hidden` [4 · width, width] and both biases [4 · width], with the rows of the
 *  input, forget, cell and output gates in this order. */
export interface LstmWeights<T> {
  readonly input: T;
  readonly hidden: T;
  readonly inputBias: T;
  readonly hiddenBias: T;
}

/** The state of an LSTM, each [batch, width]. */
export interface LstmState<T> {
  readonly hidden: T;
  readonly cell: T;
}

/** The operators that every engine implements. */
export interface Primitives<T> {
  /** A host array as a tensor; row-major. */
  constant(values: ArrayLike<number>, shape: readonly number[], dtype?: DType): T;
  cast(x: T, dtype: DType): T;

  add(a: T, b: T | number): T;
  sub(a: T, b: T | number): T;
  mul(a: T, b: T | number): T;
  div(a: T, b: T | number): T;
  maximum(a: T, b: T | number): T;
  minimum(a: T, b: T | number): T;
  /** dtype bool, as `equal`. */
  less(a: T, b: T | number): T;
  equal(a: T, b: T | number): T;
  /** `a` where `mask` is true, `b` elsewhere. */
  where(mask: T, a: T, b: T | number): T;

  sqrt(x: T): T;
  exp(x: T): T;
  log(x: T): T;
  abs(x: T): T;
  sin(x: T): T;
  cos(x: T): T;
  tanh(x: T): T;
  sigmoid(x: T): T;
  relu(x: T): T;
  /** The exact Gaussian error linear unit: x·Φ(x), by erf. */
  gelu(x: T): T;
  /** x for x > 0, exp(x) − 1 otherwise. */
  elu(x: T): T;

  sum(x: T, axis: number): T;
  mean(x: T, axis: number): T;
  max(x: T, axis: number): T;
  /** Index of the smallest entry, the first on ties; int32, the axis dropped. */
  argmin(x: T, axis: number): T;
  argmax(x: T, axis: number): T;
  softmax(x: T, axis: number): T;

  /** a [..., n, k] · b [..., k, m] → [..., n, m]; leading axes broadcast. */
  matmul(a: T, b: T): T;
  /** x [batch, time, in], weight [out, in / groups, kernel], bias [out] → [batch, (time + 2·padding − dilation·(kernel − 1) − 1) / stride + 1, out]. */
  conv1d(x: T, weight: T, bias: T | undefined, options?: ConvOptions): T;
  /** One forward LSTM layer: x [batch, time, in] → output [batch, time, width] and the state after the last step. The initial state is zero
   *  where `state` is absent. */
  lstm(x: T, weights: LstmWeights<T>, state?: LstmState<T>): { readonly output: T } & LstmState<T>;
  /** Overlapping windows of a signal: x [batch, samples] → [batch, (samples − size) / hop + 1, size]. */
  windows(x: T, size: number, hop: number): T;
  /** (x − mean) / sqrt(variance + eps) over the last axis, population variance, then scaled by weight and shifted by bias where given. */
  layerNorm(x: T, weight: T | undefined, bias: T | undefined, eps: number): T;
  /** Rows of a table [n, width] by integer indices [...] → [..., width]. */
  gather(table: T, indices: T): T;

  swapAxes(x: T, a: number, b: number): T;
  unsqueeze(x: T, axis: number): T;
  squeeze(x: T, axis: number): T;
  concat(xs: readonly T[], axis: number): T;
  /** Entries `start` to `end` along an axis. `end` is exclusive, and absent means to the last entry; negative numbers count from the end. */
  slice(x: T, axis: number, start: number, end?: number): T;
  /** The first entries of `x` along `axis`, as many as `like` has along it. */
  matchLength(x: T, axis: number, like: T): T;
  /** Adds entries at both ends of an axis: zeros, or the signal mirrored at its edge without repeating the edge. */
  pad(x: T, axis: number, before: number, after: number, mode?: "zero" | "reflect"): T;
  /** [batch, time, heads · d] → [batch, heads, time, d]. */
  splitHeads(x: T, heads: number): T;
  /** [batch, heads, time, d] → [batch, time, heads · d]. */
  mergeHeads(x: T): T;
  /** Whether each position along `axis` of `like` is below the length of its row: lengths [batch] int32 → [batch, size of axis] bool. */
  lengthMask(like: T, axis: number, lengths: T): T;
  /** The size of an axis as a float32 scalar tensor, for averages over time. */
  sizeOf(x: T, axis: number): T;
  /** The size of an axis that the model determines, such as channels, kernel or codes. @throws ShapeError for batch and time in a traced graph. */
  fixedSize(x: T, axis: number): number;
}

/** Operators with a default implementation in primitives (`composites.ts`), which an engine may override with a faster one. */
export interface Composites<T> {
  /** x [..., in] · weight [out, in]ᵀ + bias [out], then the activation. */
  linear(x: T, weight: T, bias: T | undefined, activation?: Activation): T;
  /** softmax(q·kᵀ / √d) · v; q, k, v [batch, heads, time, d]. Keys at and after a row's length, `lengths` [batch] int32, are padding
   *  and get no weight. */
  attention(q: T, k: T, v: T, lengths?: T): T;
  /** A convolution of a one-channel signal with different filters for each row: signal [batch, samples], weight [batch, out, kernel],
   *  shift [batch, out] → [batch, time, out]. Folding the group norm into convolution 0 gives this form. */
  convPerRow(signal: T, weight: T, shift: T, stride: number): T;
  /** A convolution's weight under weight norm, with one norm for each kernel position: v [out, in, kernel], g [1, 1, kernel] →
   *  v · g / ‖v‖. It depends on weights alone, so an engine may compute it once for each session. */
  weightNorm(v: T, g: T): T;
  activate(x: T, activation: Activation): T;
}

/** How an engine that manages its own memory frees the tensors of a stage. */
export interface Scope<T> {
  /** Runs `body`, then frees every tensor created in it except its result and those passed to `keep`. */
  run(body: () => T): T;
  /** Keeps a tensor to the end of the program, beyond the scopes in which it was created. */
  keep(x: T): T;
}

export interface Ops<T> extends Primitives<T>, Composites<T> {
  /** Absent where tensors hold no memory, as in a traced graph. */
  readonly scope?: Scope<T>;
}
