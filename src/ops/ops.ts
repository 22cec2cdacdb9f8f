// Ops: the vocabulary a model is written in. An engine gives each word its meaning: the ONNX tracer writes a graph node,
// libtorch computes. `T` is the engine's own tensor type, so a tensor of one engine can't enter another.
//
// Conventions: activations are [batch, time, channels]. Elementwise operations broadcast as NumPy does. Axes may be negative.
// Reductions keep the reduced axis with size 1. Sizes of batch and time stay unknown to models: they name intentions
// (`splitHeads`, `matchLength`) and do no arithmetic on shapes, so one definition serves eager tensors and traced graphs.
import type { DType } from "../base/dtypes.ts";

export type Activation = "gelu" | "relu" | "tanh" | "none";

export interface ConvOptions {
  stride?: number;
  /** Zeros put before and after the time axis. */
  padding?: number;
  groups?: number;
  dilation?: number;
}

/** A long short-term memory in torch's layout: the rows of `input` [4 · width, in], `hidden` [4 · width, width] and both biases [4 · width]
 *  are the input, forget, cell and output gates'. */
export interface LstmWeights<T> {
  readonly input: T;
  readonly hidden: T;
  readonly inputBias: T;
  readonly hiddenBias: T;
}

/** What a recurrent layer remembers, each [batch, width]. */
export interface LstmState<T> {
  readonly hidden: T;
  readonly cell: T;
}

/** What every engine implements itself. */
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
  /** Truth values, dtype bool. */
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
  /** x for x > 0, exp(x) − 1 below. */
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
  /** One layer of a long short-term memory, forwards: x [batch, time, in] → output [batch, time, width] and the state behind the last step.
   *  Without `state` it begins at zero; with it, a long signal goes piece by piece. */
  lstm(x: T, weights: LstmWeights<T>, state?: LstmState<T>): { readonly output: T } & LstmState<T>;
  /** Overlapping windows of a signal: x [batch, samples] → [batch, (samples − size) / hop + 1, size]. */
  windows(x: T, size: number, hop: number): T;
  /** (x − mean) / sqrt(variance + eps) over the last axis, population variance, then weight and bias where given. */
  layerNorm(x: T, weight: T | undefined, bias: T | undefined, eps: number): T;
  /** Rows of a table [n, width] by integer indices [...] → [..., width]. */
  gather(table: T, indices: T): T;

  swapAxes(x: T, a: number, b: number): T;
  unsqueeze(x: T, axis: number): T;
  squeeze(x: T, axis: number): T;
  concat(xs: readonly T[], axis: number): T;
  /** Entries `start` up to `end` (exclusive; to the last where left out) along an axis; negative numbers count from the end. */
  slice(x: T, axis: number, start: number, end?: number): T;
  /** The first entries of `x` along `axis`, as many as `like` has there. */
  matchLength(x: T, axis: number, like: T): T;
  /** Entries put before and after along an axis: zeros, or the mirrored signal without its edge. */
  pad(x: T, axis: number, before: number, after: number, mode?: "zero" | "reflect"): T;
  /** [batch, time, heads · d] → [batch, heads, time, d]. */
  splitHeads(x: T, heads: number): T;
  /** [batch, heads, time, d] → [batch, time, heads · d]. */
  mergeHeads(x: T): T;
  /** True where a position of `axis` of `like` lies before its row's length; lengths [batch] int32 → [batch, size of axis] bool. */
  lengthMask(like: T, axis: number, lengths: T): T;
  /** The size of any axis as a float32 scalar tensor, for averages over time. */
  sizeOf(x: T, axis: number): T;
  /** The size of an axis that the model fixes: channels, kernel, codes. @throws ShapeError for batch and time, which no model may ask. */
  fixedSize(x: T, axis: number): number;
}

/** Words with a default meaning in primitives (`composites.ts`), which an engine may override with something faster. */
export interface Composites<T> {
  /** x [..., in] · weight [out, in]ᵀ + bias [out], then the activation. */
  linear(x: T, weight: T, bias: T | undefined, activation?: Activation): T;
  /** softmax(q·kᵀ / √d) · v; q, k, v [batch, heads, time, d]. `lengths` [batch] int32: keys from there on are padding and get no weight. */
  attention(q: T, k: T, v: T, lengths?: T): T;
  /** A convolution of a one-channel signal with filters of each row's own: signal [batch, samples], weight [batch, out, kernel],
   *  shift [batch, out] → [batch, time, out]. What a folded group norm turns convolution 0 into. */
  convPerRow(signal: T, weight: T, shift: T, stride: number): T;
  activate(x: T, activation: Activation): T;
}

/** How an engine with memory of its own frees what a stage leaves behind. */
export interface Scope<T> {
  /** Runs `body`, then frees every tensor made in it but its result and what `keep` was told of. */
  run(body: () => T): T;
  /** Lets a tensor outlive the scopes it was made in, to the end of the program. */
  keep(x: T): T;
}

export interface Ops<T> extends Primitives<T>, Composites<T> {
  /** Absent where tensors cost nothing, as in a traced graph. */
  readonly scope?: Scope<T>;
}
