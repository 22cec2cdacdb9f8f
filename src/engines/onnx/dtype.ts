// Dtypes other than float32: how the tracer writes products with weights. Models do not depend on them.
import type { DType } from "../../base/dtypes.ts";
import { defaultComposites } from "../../ops/composites.ts";
import type { Ops } from "../../ops/ops.ts";
import type { Dim } from "../../ops/program.ts";
import { contribDomain, type Graph, GraphTensor } from "./graph.ts";
import { windowCount } from "./shapes.ts";
import { blockScales, blockSize, blocks4, columnScales, columns8, halves, type MatrixShape, type OnnxDtype } from "./weight-forms.ts";

/** GELU and SiLU outputs are lopsided: they are quantised with a range this many times as wide above zero as below. */
const geluSkew = 6;

/** `ops` with products in `dtype`. Norms, biases, the first convolution and grouped convolutions stay float32. */
export function withDtype(graph: Graph, ops: Ops<GraphTensor>, dtype: OnnxDtype): Ops<GraphTensor> {
  if (dtype === "fp32") return ops;
  if (dtype === "fp16") return withHalves(graph, ops);

  const skewed = new WeakSet<GraphTensor>();
  const skewOf = (x: GraphTensor) => (skewed.has(x) ? geluSkew : 1);
  const activate: Ops<GraphTensor>["activate"] = (x, activation) => {
    const y = ops.activate(x, activation);
    if (activation.endsWith("gelu") || activation === "gelu_new" || activation === "silu") skewed.add(y);
    return y;
  };
  const finish = (name: string, shape: readonly Dim[], bias: GraphTensor | undefined) => {
    const result = new GraphTensor(graph, "float32", shape, { name: name });
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
          ? product8(graph, x.name, (input) => [input], weight.weight, matrix, skewOf(x))
          : product4(graph, x.name, weight.weight, matrix);
      return activate(finish(name, [...x.shape.slice(0, -1), outputs], bias), activation);
    },
    conv1d(x, weight, bias, options = {}) {
      const { stride = 1, padding = 0, groups = 1, dilation = 1 } = options;
      if (!weight.weight || padding !== 0 || groups !== 1 || dilation !== 1) return ops.conv1d(x, weight, bias, options);
      const [outputs, inputs, taps] = weight.shape as [number, number, number];
      const [batch, time] = x.shape as [Dim, Dim];
      const frames = typeof time === "number" ? windowCount(time, taps, stride) : graph.fresh("frames");
      // Convolutions have few of the weights and most of the error, so they keep 8 bits in a 4-bit graph.
      const inputsOfTaps = (input: string) => tapInputs(graph, input, taps, stride);
      return finish(
        product8(graph, x.name, inputsOfTaps, weight.weight, { outputs, inputs, taps }, skewOf(x)),
        [batch, frames, outputs],
        bias,
      );
    },
    // With 8-bit convolutions the next layer is a product over channels, which needs channels last.
    convPerRow: defaultComposites(ops).convPerRow,
  };
}

/** The entries of [batch, time, …] that each tap of a convolution multiplies: [batch, frames, …] for each tap. */
function tapInputs(graph: Graph, x: string, taps: number, stride: number): string[] {
  const last = 2 ** 31 - 1;
  return Array.from({ length: taps }, (_, tap) => {
    const end = tap === taps - 1 ? last : tap - taps + 1;
    return graph.node("Slice", [x, graph.integers([tap]), graph.integers([end]), graph.integers([1]), graph.integers([stride])]);
  });
}

/** A product of uint8 activations and int8 weights. Weights have one scale a column. Activations have one scale a row, found at run time, so
 *  that loud rows do not cost quiet ones accuracy and clips of a batch do not affect each other; with one scale for the whole tensor
 *  (DynamicQuantizeMatMul) the cosine to float32 on music was 0.990. The zero point is a constant: it follows from `skew`, how much wider
 *  the range above zero is than the range below.
 *  @param rowParts the slices of the input, or of its row scales, that side by side make one row of the product. */
function product8(
  graph: Graph,
  x: string,
  rowParts: (input: string) => string[],
  weight: string,
  matrix: MatrixShape,
  skew: number,
): string {
  const { outputs, inputs, taps } = matrix;
  const external = (suffix: string, dtype: DType, shape: number[], encode: (values: Float32Array, shape: MatrixShape) => Uint8Array) =>
    graph.external({ weight, suffix, dtype, shape, encode: (values) => encode(values, matrix) });
  const b = external(".q8", "int8", [inputs * taps, outputs], columns8);
  const scale = external(".q8.scale", "float32", [outputs], columnScales);

  const zero = Math.ceil(255 / (1 + skew));
  const zeroPoint = graph.scalar(zero, "uint8");
  const step = graph.scalar(1 / (255 - zero), "float32");

  const extreme = (op: string) => graph.node(op, [x, graph.integers([-1])], { keepdims: { int: 1 } });
  const below = graph.node("Mul", [extreme("ReduceMin"), graph.scalar(-skew, "float32")]);
  const ranges = graph.node("Max", [extreme("ReduceMax"), below, graph.scalar(1e-30, "float32")]);
  const range = taps === 1 ? ranges : graph.node("Max", rowParts(ranges));
  const levels = rowParts(x).map((part) => graph.node("QuantizeLinear", [graph.node("Div", [part, range]), step, zeroPoint]));
  const rows = levels.length === 1 ? levels[0]! : graph.node("Concat", levels, { axis: { int: 2 } });
  return graph.node("Mul", [graph.node("MatMulIntegerToFloat", [rows, b, step, scale, zeroPoint], {}, contribDomain), range]);
}

/** A product with 4-bit weights in blocks that have a scale each. accuracy_level 4 lets onnxruntime quantise activations to int8 by blocks. */
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

/** Weights stored as float16 and cast to float32 when the graph is loaded: half the bytes, the same arithmetic. */
function withHalves(graph: Graph, ops: Ops<GraphTensor>): Ops<GraphTensor> {
  const half = (weight: GraphTensor) => {
    if (!weight.weight) return weight;
    const shape = weight.shape as number[];
    const stored = graph.external({ weight: weight.weight, suffix: ".fp16", dtype: "float16", shape, encode: halves });
    return new GraphTensor(graph, "float32", shape, { name: graph.node("Cast", [stored], { to: { int: 1 } }) });
  };
  return {
    ...ops,
    linear: (x, weight, bias, activation) => ops.linear(x, half(weight), bias, activation),
    conv1d: (x, weight, bias, options) => ops.conv1d(x, half(weight), bias, options),
  };
}
