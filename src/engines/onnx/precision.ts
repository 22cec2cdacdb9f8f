// Precision as a policy of the tracer: how products with weights are written. Models know nothing of it.
import type { DType } from "../../base/dtypes.ts";
import { ShapeError } from "../../base/errors.ts";
import { defaultComposites } from "../../ops/composites.ts";
import type { Ops } from "../../ops/ops.ts";
import type { Dim } from "../../ops/program.ts";
import { type Graph, GraphTensor } from "./graph.ts";
import { windowCount } from "./shapes.ts";
import { contribDomain } from "./trace-ops.ts";
import {
  blockScales,
  blockSize,
  blocks4,
  columnScales,
  columnSums,
  columns8,
  halves,
  type MatrixShape,
  type Precision,
} from "./weight-forms.ts";

type Product = (graph: Graph, x: string, weight: string, matrix: MatrixShape) => string;

/** `ops` with weights stored and multiplied as `precision` says. Norms, biases, the first and the grouped convolutions stay float32. */
export function withPrecision(graph: Graph, ops: Ops<GraphTensor>, precision: Precision): Ops<GraphTensor> {
  if (precision === "fp32") return ops;
  if (precision === "fp16") return withHalves(graph, ops);
  const multiply: Product = precision === "q8" ? product8 : product4;

  /** x [..., inputs · taps] · weightᵀ + bias. */
  const product = (write: Product, x: GraphTensor, weight: string, matrix: MatrixShape, bias: GraphTensor | undefined) => {
    const name = write(graph, x.name, weight, matrix);
    const result = new GraphTensor(graph, "float32", [...x.shape.slice(0, -1), matrix.outputs], { plain: name });
    return bias ? ops.add(result, bias) : result;
  };

  return {
    ...ops,
    linear(x, weight, bias, activation = "none") {
      if (!weight.weight) return ops.linear(x, weight, bias, activation);
      const [outputs, inputs] = weight.shape as [number, number];
      return ops.activate(product(multiply, x, weight.weight, { outputs, inputs, taps: 1 }, bias), activation);
    },
    conv1d(x, weight, bias, options = {}) {
      const { stride = 1, padding = 0, groups = 1, dilation = 1 } = options;
      if (!weight.weight || padding !== 0 || groups !== 1 || dilation !== 1) return ops.conv1d(x, weight, bias, options);
      const [outputs, inputs, taps] = weight.shape as [number, number, number];
      // Few of the weights and most of the error: convolutions stay at 8 bits in a 4-bit graph.
      return product(product8, tapsSideBySide(graph, x, taps, stride), weight.weight, { outputs, inputs, taps }, bias);
    },
    // The next convolution is a product over channels, which wants them last.
    convPerRow: defaultComposites(ops).convPerRow,
  };
}

/** A convolution's windows with their taps side by side: [batch, time, channels] → [batch, frames, taps · channels]. */
function tapsSideBySide(graph: Graph, x: GraphTensor, taps: number, stride: number): GraphTensor {
  const [batch, time, channels] = x.shape as [Dim, Dim, number];
  if (typeof channels !== "number") throw new ShapeError(`conv1d needs channels of known number, found [${x.shape}].`);
  const last = 2 ** 31 - 1;
  const slices = Array.from({ length: taps }, (_, tap) => {
    const end = tap === taps - 1 ? last : tap - taps + 1;
    return graph.node("Slice", [x.name, graph.integers([tap]), graph.integers([end]), graph.integers([1]), graph.integers([stride])]);
  });
  const frames = typeof time === "number" ? windowCount(time, taps, stride) : graph.fresh("frames");
  return new GraphTensor(graph, x.dtype, [batch, frames, taps * channels], { plain: graph.node("Concat", slices, { axis: { int: 2 } }) });
}

/** int8 weights with one scale a column, and activations to uint8 by each row's own range: a loud moment costs quiet ones no digits, and
 *  clips of a batch don't interact. With x = low + range · q the product is range · (q · W) + low · (sum of W's columns).
 *  On music, one scale for all rows (DynamicQuantizeMatMul) gave a cosine of 0.990 to float32 where this gives 0.9995. */
function product8(graph: Graph, x: string, weight: string, matrix: MatrixShape): string {
  const { outputs, inputs, taps } = matrix;
  const external = (suffix: string, dtype: DType, shape: number[], encode: (values: Float32Array, shape: MatrixShape) => Uint8Array) =>
    graph.external({ weight, suffix, dtype, shape, encode: (values) => encode(values, matrix) });
  const b = external(".q8", "int8", [inputs * taps, outputs], columns8);
  const scale = external(".q8.scale", "float32", [outputs], columnScales);
  const sums = external(".q8.sum", "float32", [outputs], columnSums);
  const number = (value: number) => graph.constant({ dtype: "float32", shape: [], bytes: new Uint8Array(Float32Array.of(value).buffer) });
  const zero = graph.constant({ dtype: "uint8", shape: [], bytes: Uint8Array.of(0) });
  const extreme = (op: string) => graph.node(op, [x, graph.integers([-1])], { keepdims: { int: 1 } });
  const low = extreme("ReduceMin");
  const range = graph.node("Max", [graph.node("Sub", [extreme("ReduceMax"), low]), number(1e-30)]);
  const step = number(1 / 255);
  const rows = graph.node("QuantizeLinear", [graph.node("Div", [graph.node("Sub", [x, low]), range]), step, zero]);
  const product = graph.node("MatMulIntegerToFloat", [rows, b, step, scale, zero], {}, contribDomain);
  return graph.node("Add", [graph.node("Mul", [product, range]), graph.node("Mul", [low, sums])]);
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
