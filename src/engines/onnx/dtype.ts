// Dtypes other than float32: how the tracer writes products with weights. Models do not depend on them.
import type { DType } from "../../base/dtypes.ts";
import { defaultComposites } from "../../ops/composites.ts";
import type { Ops } from "../../ops/ops.ts";
import type { Dim } from "../../ops/program.ts";
import { type Graph, GraphTensor } from "./graph.ts";
import { windowCount } from "./shapes.ts";
import { contribDomain } from "./trace-ops.ts";
import { blockScales, blockSize, blocks4, columnScales, columns8, halves, type MatrixShape, type OnnxDtype } from "./weight-forms.ts";

/** What gelu gives reaches far above zero and little below: this many times as far, for a constant. */
const geluLean = 6;

/** `ops` with weights stored and multiplied as `dtype` says. Norms, biases, the first and the grouped convolutions stay float32. */
export function withDtype(graph: Graph, ops: Ops<GraphTensor>, dtype: OnnxDtype): Ops<GraphTensor> {
  if (dtype === "fp32") return ops;
  if (dtype === "fp16") return withHalves(graph, ops);

  const leaning = new WeakSet<GraphTensor>();
  const leanOf = (x: GraphTensor) => (leaning.has(x) ? geluLean : 1);
  const activate: Ops<GraphTensor>["activate"] = (x, activation) => {
    const y = ops.activate(x, activation);
    if (activation === "gelu") leaning.add(y);
    return y;
  };
  const finish = (name: string, shape: readonly Dim[], bias: GraphTensor | undefined) => {
    const result = new GraphTensor(graph, "float32", shape, { plain: name });
    return bias ? ops.add(result, bias) : result;
  };

  return {
    ...ops,
    activate,
    linear(x, weight, bias, activation = "none") {
      if (!weight.weight) return activate(ops.linear(x, weight, bias), activation);
      const [outputs, inputs] = weight.shape as [number, number];
      const matrix = { outputs, inputs, taps: 1 };
      const name =
        dtype === "q8"
          ? product8(graph, x.name, (whole) => [whole], weight.weight, matrix, leanOf(x))
          : product4(graph, x.name, weight.weight, matrix);
      return activate(finish(name, [...x.shape.slice(0, -1), outputs], bias), activation);
    },
    conv1d(x, weight, bias, options = {}) {
      const { stride = 1, padding = 0, groups = 1, dilation = 1 } = options;
      if (!weight.weight || padding !== 0 || groups !== 1 || dilation !== 1) return ops.conv1d(x, weight, bias, options);
      const [outputs, inputs, taps] = weight.shape as [number, number, number];
      const [batch, time] = x.shape as [Dim, Dim];
      const frames = typeof time === "number" ? windowCount(time, taps, stride) : graph.fresh("frames");
      // Few of the weights and most of the error: convolutions stay at 8 bits in a 4-bit graph.
      const seen = (whole: string) => stepsOfTaps(graph, whole, taps, stride);
      return finish(product8(graph, x.name, seen, weight.weight, { outputs, inputs, taps }, leanOf(x)), [batch, frames, outputs], bias);
    },
    // The next convolution is a product over channels, which wants them last.
    convPerRow: defaultComposites(ops).convPerRow,
  };
}

/** For each tap of a convolution, the steps of [batch, time, …] that it sees: [batch, frames, …] each. */
function stepsOfTaps(graph: Graph, x: string, taps: number, stride: number): string[] {
  const last = 2 ** 31 - 1;
  return Array.from({ length: taps }, (_, tap) => {
    const end = tap === taps - 1 ? last : tap - taps + 1;
    return graph.node("Slice", [x, graph.integers([tap]), graph.integers([end]), graph.integers([1]), graph.integers([stride])]);
  });
}

/** int8 weights with one scale a column, and activations to uint8 by each row's own magnitude: a loud moment costs quiet ones no digits, and
 *  clips of a batch don't interact. On music, one scale for all rows (DynamicQuantizeMatMul) gave a cosine of 0.990 to float32.
 *  `seen` tells which steps lie side by side in a row. `lean`, how far above zero a row reaches beside below it, is a constant, so that the
 *  level of zero is one too: 1 for rows that spread evenly. */
function product8(graph: Graph, x: string, seen: (whole: string) => string[], weight: string, matrix: MatrixShape, lean: number): string {
  const { outputs, inputs, taps } = matrix;
  const external = (suffix: string, dtype: DType, shape: number[], encode: (values: Float32Array, shape: MatrixShape) => Uint8Array) =>
    graph.external({ weight, suffix, dtype, shape, encode: (values) => encode(values, matrix) });
  const b = external(".q8", "int8", [inputs * taps, outputs], columns8);
  const scale = external(".q8.scale", "float32", [outputs], columnScales);

  const zero = Math.ceil(255 / (1 + lean));
  const zeroPoint = graph.constant({ dtype: "uint8", shape: [], bytes: Uint8Array.of(zero) });
  const number = (value: number) => graph.constant({ dtype: "float32", shape: [], bytes: new Uint8Array(Float32Array.of(value).buffer) });
  const step = number(1 / (255 - zero));

  const extreme = (op: string) => graph.node(op, [x, graph.integers([-1])], { keepdims: { int: 1 } });
  const reaches = graph.node("Max", [extreme("ReduceMax"), graph.node("Mul", [extreme("ReduceMin"), number(-lean)]), number(1e-30)]);
  const reach = taps === 1 ? reaches : graph.node("Max", seen(reaches));
  const levels = seen(x).map((part) => graph.node("QuantizeLinear", [graph.node("Div", [part, reach]), step, zeroPoint]));
  const rows = levels.length === 1 ? levels[0]! : graph.node("Concat", levels, { axis: { int: 2 } });
  return graph.node("Mul", [graph.node("MatMulIntegerToFloat", [rows, b, step, scale, zeroPoint], {}, contribDomain), reach]);
}

/** 4-bit weights in blocks with a scale each; activations to int8 by blocks where the machine is faster so (accuracy_level 4). */
function product4(graph: Graph, x: string, weight: string, matrix: MatrixShape): string {
  const { outputs } = matrix;
  const depth = matrix.inputs * matrix.taps;
  const blocks = Math.ceil(depth / blockSize);
  const shape = [outputs, blocks, blockSize / 2];
  const b = graph.external({ weight, suffix: ".q4", dtype: "uint8", shape, encode: (v) => blocks4(v, matrix) });
  const scale = graph.external({
    weight,
    suffix: ".q4.scale",
    dtype: "float32",
    shape: [outputs * blocks],
    encode: (v) => blockScales(v, matrix),
  });
  const attributes = { K: depth, N: outputs, bits: 4, block_size: blockSize, accuracy_level: 4 };
  const tagged = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, { int: value }]));
  return graph.node("MatMulNBits", [x, b, scale], tagged, contribDomain);
}

/** Matrices as float16, cast back when the graph is loaded: half the bytes, float32 arithmetic. */
function withHalves(graph: Graph, ops: Ops<GraphTensor>): Ops<GraphTensor> {
  const half = (weight: GraphTensor) => {
    if (!weight.weight) return weight;
    const shape = weight.shape as number[];
    const stored = graph.external({ weight: weight.weight, suffix: ".fp16", dtype: "float16", shape, encode: halves });
    return new GraphTensor(graph, "float32", shape, { plain: graph.node("Cast", [stored], { to: { int: 1 } }) });
  };
  return {
    ...ops,
    linear: (x, weight, bias, activation) => ops.linear(x, half(weight), bias, activation),
    conv1d: (x, weight, bias, options) => ops.conv1d(x, half(weight), bias, options),
  };
}
