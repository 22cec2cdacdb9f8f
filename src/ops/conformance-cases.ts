// Conformance cases: small programs on given numbers, which every engine must compute as the float64 reference does.
import type { Ops } from "./ops.ts";
import type { Dim } from "./program.ts";

export interface CaseInput {
  readonly shape: readonly number[];
  /** Absent: drawn from `range`. */
  readonly values?: readonly number[];
  /** Default −2 … 2. */
  readonly range?: readonly [low: number, high: number];
  readonly dtype?: "float32" | "int32" | "bool";
  /** The shape that the engine is given beforehand, with names for sizes known only at run time. Default `shape`. */
  readonly dims?: readonly Dim[];
}

export interface OpCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, CaseInput>>;
  run<T>(ops: Ops<T>, inputs: Readonly<Record<string, T>>): T;
  /** Largest allowed error, relative to the largest entry of the reference's answer; default 2e-6. */
  readonly tolerance?: number;
  /** Why the gradient of this case is not checked. */
  readonly noGradient?: string;
}

const of = (...shape: number[]): CaseInput => ({ shape });
const positive = (...shape: number[]): CaseInput => ({ shape, range: [0.2, 3] });
const lengths = (...values: number[]): CaseInput => ({ shape: [values.length], values, dtype: "int32" });
const discrete = "its values are discrete";

/** [batch, time, channels] with batch and time known only at run time. */
const frames = (batch: number, time: number, channels: number): CaseInput => ({
  shape: [batch, time, channels],
  dims: ["batch", "time", channels],
});

/** Weights of an LSTM from `inputs` to `width` channels. */
const lstmInputs = (inputs: number, width: number): Record<string, CaseInput> => ({
  wi: of(4 * width, inputs),
  wh: of(4 * width, width),
  bi: of(4 * width),
  bh: of(4 * width),
});

type BinaryName = "add" | "sub" | "mul" | "div" | "maximum" | "minimum";
const binaries: readonly BinaryName[] = ["add", "sub", "mul", "div", "maximum", "minimum"];
const unaries = ["exp", "abs", "sin", "cos", "tanh", "sigmoid", "relu", "gelu", "elu", "sqrt", "log"] as const;

export const opCases: readonly OpCase[] = [
  ...binaries.flatMap((op): OpCase[] => {
    const divisor = op === "div" ? positive : of;
    return [
      { name: `${op} of equal shapes`, inputs: { a: of(2, 3, 4), b: divisor(2, 3, 4) }, run: (ops, { a, b }) => ops[op](a!, b!) },
      { name: `${op} broadcasts`, inputs: { a: of(2, 1, 4), b: divisor(3, 1) }, run: (ops, { a, b }) => ops[op](a!, b!) },
      { name: `${op} with a number`, inputs: { a: of(2, 3) }, run: (ops, { a }) => ops[op](a!, 0.75) },
      {
        name: `${op} of a strided tensor`,
        inputs: { a: of(2, 3, 4), b: divisor(4, 3) },
        run: (ops, { a, b }) => ops[op](ops.swapAxes(a!, 1, 2), b!),
      },
    ];
  }),
  ...unaries.flatMap((op): OpCase[] => {
    const domain = op === "sqrt" || op === "log" ? positive : of;
    return [
      { name: op, inputs: { x: domain(3, 5) }, run: (ops, { x }) => ops[op](x!) },
      { name: `${op} of a strided tensor`, inputs: { x: domain(2, 3, 4) }, run: (ops, { x }) => ops[op](ops.swapAxes(x!, 1, 2)) },
      {
        name: `${op} with a strided, broadcast gradient`,
        inputs: { x: domain(2, 3, 4) },
        run: (ops, { x }) => ops.sum(ops.swapAxes(ops[op](x!), 1, 2), 1),
      },
    ];
  }),
  {
    name: "gelu of large values",
    inputs: { x: { shape: [6], values: [-12, -6, -3.5, 3.5, 6, 12] } },
    run: (ops, { x }) => ops.gelu(x!),
  },
  {
    name: "less and equal give booleans",
    inputs: { a: of(2, 3), b: { shape: [2, 3], values: [0, 1, -1, 0.5, 9, -9] } },
    run: (ops, { a, b }) => ops.where(ops.less(a!, b!), ops.cast(ops.equal(b!, 1), "float32"), 2),
    noGradient: discrete,
  },
  {
    name: "less and equal with numbers",
    inputs: { a: { shape: [4], values: [-1, 0, 0.5, 1] } },
    run: (ops, { a }) => ops.where(ops.equal(a!, 0.5), ops.cast(ops.less(a!, 0), "float32"), ops.cast(ops.less(a!, 1), "float32")),
    noGradient: discrete,
  },
  {
    name: "where picks and broadcasts",
    inputs: { mask: { shape: [2, 3, 1], values: [1, 0, 0, 1, 1, 0], dtype: "bool" }, a: of(4), b: of(2, 3, 4) },
    run: (ops, { mask, a, b }) => ops.where(mask!, a!, b!),
  },
  {
    name: "where with a number",
    inputs: { mask: { shape: [2, 3], values: [1, 0, 0, 1, 1, 0], dtype: "bool" }, a: of(2, 3) },
    run: (ops, { mask, a }) => ops.where(mask!, a!, -7.5),
  },
  ...(["sum", "mean", "max"] as const).flatMap((op): OpCase[] => [
    { name: `${op} over time`, inputs: { x: frames(2, 5, 3) }, run: (ops, { x }) => ops[op](x!, 1) },
    { name: `${op} over the last axis`, inputs: { x: frames(2, 5, 3) }, run: (ops, { x }) => ops[op](x!, -1) },
    { name: `${op} of a strided tensor`, inputs: { x: of(2, 5, 3) }, run: (ops, { x }) => ops[op](ops.swapAxes(x!, 0, 2), 0) },
  ]),
  ...(["argmin", "argmax"] as const).flatMap((op): OpCase[] => [
    { name: `${op} of distinct values`, inputs: { x: of(3, 7) }, run: (ops, { x }) => ops[op](x!, -1), noGradient: discrete },
    {
      name: `${op} takes the first of equals`,
      inputs: { x: { shape: [2, 4], values: [1, 3, 3, 1, 5, 5, 5, 5] } },
      run: (ops, { x }) => ops[op](x!, 1),
      noGradient: discrete,
    },
  ]),
  { name: "softmax over the last axis", inputs: { x: frames(2, 3, 5) }, run: (ops, { x }) => ops.softmax(x!, -1) },
  { name: "softmax over time", inputs: { x: frames(2, 3, 5) }, run: (ops, { x }) => ops.softmax(x!, 1) },
  {
    name: "softmax of large scores",
    inputs: { x: { shape: [2, 3], values: [900, 901, 899, -900, -901, -899] } },
    run: (ops, { x }) => ops.softmax(x!, -1),
    tolerance: 1e-5,
  },

  { name: "matmul", inputs: { a: of(3, 4), b: of(4, 5) }, run: (ops, { a, b }) => ops.matmul(a!, b!) },
  { name: "matmul of batches", inputs: { a: of(2, 3, 3, 4), b: of(2, 3, 4, 2) }, run: (ops, { a, b }) => ops.matmul(a!, b!) },
  { name: "matmul broadcasts leading axes", inputs: { a: of(2, 3, 4), b: of(4, 5) }, run: (ops, { a, b }) => ops.matmul(a!, b!) },
  {
    name: "matmul of strided tensors",
    inputs: { a: of(2, 4, 3), b: of(2, 5, 4) },
    run: (ops, { a, b }) => ops.matmul(ops.swapAxes(a!, 1, 2), ops.swapAxes(b!, 1, 2)),
  },
  { name: "conv1d", inputs: { x: frames(2, 9, 3), w: of(4, 3, 2), b: of(4) }, run: (ops, { x, w, b }) => ops.conv1d(x!, w!, b!) },
  {
    name: "conv1d with a stride, without bias",
    inputs: { x: frames(2, 23, 1), w: of(4, 1, 10) },
    run: (ops, { x, w }) => ops.conv1d(x!, w!, undefined, { stride: 5 }),
  },
  {
    name: "conv1d in groups with padding",
    inputs: { x: frames(2, 7, 6), w: of(9, 2, 4), b: of(9) },
    run: (ops, { x, w, b }) => ops.conv1d(x!, w!, b!, { padding: 2, groups: 3 }),
  },
  {
    name: "conv1d with dilation",
    inputs: { x: frames(1, 11, 2), w: of(3, 2, 3), b: of(3) },
    run: (ops, { x, w, b }) => ops.conv1d(x!, w!, b!, { dilation: 2, padding: 1, stride: 2 }),
  },
  {
    name: "conv1d of a strided tensor",
    inputs: { x: of(2, 3, 9), w: of(4, 3, 2) },
    run: (ops, { x, w }) => ops.conv1d(ops.swapAxes(x!, 1, 2), w!, undefined, { stride: 2 }),
  },
  {
    name: "gelu of a convolution, then a product: libtorch 1.13 computes a wrong gradient here",
    inputs: { x: frames(2, 40, 8), w: of(16, 8, 3), v: of(4, 40 - 2) },
    run: (ops, { x, w, v }) => ops.matmul(v!, ops.gelu(ops.conv1d(x!, w!, undefined))),
    tolerance: 4e-6,
  },
  {
    name: "gelu, then a transpose",
    inputs: { x: of(2, 33, 16), w: of(5, 33) },
    run: (ops, { x, w }) => ops.matmul(ops.swapAxes(ops.gelu(x!), 1, 2), ops.swapAxes(w!, 0, 1)),
    tolerance: 4e-6,
  },
  {
    name: "lstm from a state of zero",
    inputs: { x: frames(2, 4, 3), ...lstmInputs(3, 5) },
    run: (ops, { x, wi, wh, bi, bh }) => ops.lstm(x!, { input: wi!, hidden: wh!, inputBias: bi!, hiddenBias: bh! }).output,
    tolerance: 4e-6,
  },
  {
    name: "lstm continues from a state and returns the next",
    inputs: { x: frames(2, 3, 3), ...lstmInputs(3, 4), h: of(2, 4), c: of(2, 4) },
    run(ops, { x, wi, wh, bi, bh, h, c }) {
      const { output, hidden, cell } = ops.lstm(x!, { input: wi!, hidden: wh!, inputBias: bi!, hiddenBias: bh! }, { hidden: h!, cell: c! });
      return ops.concat([output, ops.unsqueeze(hidden, 1), ops.unsqueeze(cell, 1)], 1);
    },
    tolerance: 4e-6,
  },
  {
    name: "a chain of convolutions, padding, slices and sums",
    inputs: { x: frames(2, 9, 3), w: of(4, 3, 2), v: of(4, 4, 1) },
    run(ops, { x, w, v }) {
      const y = ops.conv1d(ops.pad(x!, 1, 2, 0, "reflect"), w!, undefined); // [2, 10, 4]
      const z = ops.add(ops.slice(y, 1, 0, -1), ops.slice(ops.conv1d(ops.pad(ops.elu(y), 1, 1, 0), v!, undefined), 1, 2));
      return ops.concat([z, ops.slice(z, 2, 1, 3)], 2);
    },
    tolerance: 4e-6,
  },
  {
    name: "windows overlap",
    inputs: { x: { shape: [2, 17], dims: ["batch", "samples"] } },
    run: (ops, { x }) => ops.windows(x!, 5, 3),
  },
  {
    name: "layerNorm",
    inputs: { x: frames(2, 3, 8), w: of(8), b: of(8) },
    run: (ops, { x, w, b }) => ops.layerNorm(x!, w!, b!, 1e-5),
    tolerance: 5e-6,
  },
  {
    name: "layerNorm without weights",
    inputs: { x: frames(2, 3, 8) },
    run: (ops, { x }) => ops.layerNorm(x!, undefined, undefined, 1e-5),
    tolerance: 5e-6,
  },
  {
    name: "layerNorm of a strided tensor",
    inputs: { x: of(2, 8, 3) },
    run: (ops, { x }) => ops.layerNorm(ops.swapAxes(x!, 1, 2), undefined, undefined, 0.1),
    tolerance: 5e-6,
  },
  {
    name: "gather takes rows",
    inputs: { table: of(5, 3), indices: { shape: [2, 2], values: [4, 0, 1, 4], dtype: "int32" } },
    run: (ops, { table, indices }) => ops.gather(table!, indices!),
  },

  { name: "swapAxes", inputs: { x: of(2, 3, 4) }, run: (ops, { x }) => ops.swapAxes(x!, -1, 0) },
  { name: "unsqueeze and squeeze", inputs: { x: of(2, 3) }, run: (ops, { x }) => ops.squeeze(ops.unsqueeze(ops.unsqueeze(x!, -1), 1), 1) },
  { name: "concat", inputs: { a: of(2, 3, 2), b: of(2, 1, 2) }, run: (ops, { a, b }) => ops.concat([a!, b!, a!], 1) },
  { name: "slice from the end", inputs: { x: frames(2, 6, 3) }, run: (ops, { x }) => ops.slice(x!, 1, -4, -1) },
  { name: "slice to the last", inputs: { x: frames(2, 6, 3) }, run: (ops, { x }) => ops.slice(x!, 1, 2) },
  {
    name: "matchLength",
    inputs: { x: { shape: [2, 7, 3], dims: ["batch", "long", 3] }, like: { shape: [2, 4, 5], dims: ["batch", "short", 5] } },
    run: (ops, { x, like }) => ops.matchLength(x!, 1, like!),
  },
  { name: "pad with zeros", inputs: { x: frames(2, 4, 3) }, run: (ops, { x }) => ops.pad(x!, 1, 2, 1) },
  { name: "pad by reflection", inputs: { x: frames(2, 4, 3) }, run: (ops, { x }) => ops.pad(x!, 1, 2, 3, "reflect") },
  { name: "splitHeads", inputs: { x: frames(2, 3, 8) }, run: (ops, { x }) => ops.splitHeads(x!, 4) },
  { name: "mergeHeads undoes splitHeads", inputs: { x: frames(2, 3, 8) }, run: (ops, { x }) => ops.mergeHeads(ops.splitHeads(x!, 2)) },
  {
    name: "lengthMask",
    inputs: { x: { shape: [3, 5, 2], dims: ["batch", "time", 2] }, n: lengths(5, 0, 3) },
    run: (ops, { x, n }) => ops.cast(ops.lengthMask(x!, 1, n!), "float32"),
    noGradient: discrete,
  },
  { name: "sizeOf", inputs: { x: frames(2, 5, 3) }, run: (ops, { x }) => ops.div(x!, ops.sizeOf(x!, 1)) },
  { name: "constant", inputs: { x: of(2, 2) }, run: (ops, { x }) => ops.add(x!, ops.constant([1, 2, 3, 4], [2, 2])) },
  {
    name: "float64 arithmetic",
    inputs: { x: of(2, 50) },
    run: (ops, { x }) => ops.cast(ops.sum(ops.add(ops.cast(x!, "float64"), 1e6), -1), "float32"),
    tolerance: 1e-7,
    noGradient: "the sum is too large for a finite difference",
  },

  { name: "linear without bias", inputs: { x: frames(2, 3, 8), w: of(5, 8) }, run: (ops, { x, w }) => ops.linear(x!, w!, undefined) },
  ...(["gelu", "gelu_new", "quick_gelu", "silu", "relu", "tanh", "none"] as const).map(
    (activation): OpCase => ({
      name: `linear, then ${activation}`,
      inputs: { x: frames(2, 3, 8), w: of(5, 8), b: of(5) },
      run: (ops, { x, w, b }) => ops.linear(x!, w!, b!, activation),
      tolerance: 4e-6,
    }),
  ),
  {
    name: "attention",
    inputs: { q: of(2, 3, 5, 4), k: of(2, 3, 5, 4), v: of(2, 3, 5, 4) },
    run: (ops, { q, k, v }) => ops.attention(q!, k!, v!),
    tolerance: 4e-6,
  },
  {
    name: "attention with lengths, between splitHeads and mergeHeads",
    inputs: { q: frames(2, 5, 8), k: frames(2, 5, 8), v: frames(2, 5, 8), n: lengths(5, 2) },
    run: (ops, { q, k, v, n }) => ops.mergeHeads(ops.attention(ops.splitHeads(q!, 2), ops.splitHeads(k!, 2), ops.splitHeads(v!, 2), n!)),
    tolerance: 4e-6,
  },
  {
    name: "convPerRow",
    inputs: {
      x: { shape: [2, 33], dims: ["batch", "samples"] },
      w: { shape: [2, 6, 10], dims: ["batch", 6, 10] },
      s: { shape: [2, 6], dims: ["batch", 6] },
    },
    run: (ops, { x, w, s }) => ops.convPerRow(x!, w!, s!, 5),
    tolerance: 4e-6,
  },
  {
    name: "weightNorm",
    inputs: { v: of(6, 4, 5), g: of(1, 1, 5) },
    run: (ops, { v, g }) => ops.weightNorm(v!, g!),
  },
];
