// Products with quantised weights as ONNX nodes: 8 bits by onnxruntime's integer product, 4 bits by MatMulNBits.
import { hostTensor } from "../../base/host-tensor.ts";
import { contribDomain, type Graph } from "./graph.ts";
import { blockScales, blockSize, blocks4, type MatrixShape, type Quantise8Options, quantise8 } from "./weight-forms.ts";

export interface Product8Options extends Quantise8Options {
  /** How many times as wide the range of the input is above zero as below; default 1. */
  readonly skew?: number;
  /** Of a convolution; default 1. */
  readonly stride?: number;
}

/** A linear layer or convolution as a product of uint8 activations and int8 weights: the name of x [batch, time, inputs] → [batch, frames, outputs].
 *  Weights have one scale a column. Activations have one scale a row, found at run time, so that loud rows do not cost quiet ones accuracy
 *  and clips of a batch do not affect each other; with one scale for the whole tensor (DynamicQuantizeMatMul) the cosine to float32 on music
 *  was 0.990. The zero point is a constant that follows from `skew`. */
export function product8(
  graph: Graph,
  x: string,
  weight: string,
  matrix: MatrixShape,
  { skew = 1, stride = 1, saturating = false }: Product8Options = {},
): string {
  const { outputs, inputs, taps } = matrix;
  const shape = taps === 1 ? [outputs, inputs] : [outputs, inputs, taps];
  const quantised = oncePerArray((values) => quantise8(weight, values, matrix, { saturating }));
  const stored = graph.external({ weight, suffix: ".q8", dtype: "int8", shape, encode: (values) => quantised(values).levels });
  const encodeScales = (values: Float32Array) => quantised(values).scales;
  const weightScales = graph.external({ weight, suffix: ".q8.scale", dtype: "float32", shape: [outputs], encode: encodeScales });
  // The right operand [taps · inputs, outputs]. onnxruntime transposes constants once, when it loads the graph.
  const reversed = graph.node("Transpose", [stored], { perm: { ints: shape.map((_, axis) => axis).reverse() } });
  const weights = taps === 1 ? reversed : graph.node("Reshape", [reversed, graph.integers([taps * inputs, outputs])]);

  const zero = Math.ceil(255 / (1 + skew));
  const zeroPoint = graph.scalar(zero, "uint8");
  const one = graph.scalar(1, "float32");
  const { rows, scales } = quantisationRows(graph, x, matrix, { zero, skew, stride });
  const zeroPoints = graph.node("Expand", [zeroPoint, graph.node("Shape", [scales])]);
  const attributes = { axis: { int: -1 }, block_size: { int: inputs * taps } };
  const levels = graph.node("QuantizeLinear", [rows, scales, zeroPoints], attributes);
  const product = graph.node("MatMulIntegerToFloat", [levels, weights, one, weightScales, zeroPoint], {}, contribDomain);
  return graph.node("Mul", [product, scales]);
}

/** A function that computes its result once for each array that it is given. */
function oncePerArray<R>(compute: (values: Float32Array) => R): (values: Float32Array) => R {
  const results = new WeakMap<Float32Array, { readonly result: R }>();
  return (values) => {
    const { result } = results.get(values) ?? { result: compute(values) };
    results.set(values, { result });
    return result;
  };
}

/** The rows of the product's left operand and their scales [batch, frames, 1]. A convolution's row has the inputs of all its taps. */
function quantisationRows(
  graph: Graph,
  x: string,
  { taps, inputs }: MatrixShape,
  { zero, skew, stride }: { readonly zero: number; readonly skew: number; readonly stride: number },
): { rows: string; scales: string } {
  const extreme = (op: string) => graph.node(op, [x, graph.integers([-1])], { keepdims: { int: 1 } });
  const below = graph.node("Mul", [extreme("ReduceMin"), graph.scalar(-skew, "float32")]);
  const ranges = graph.node("Max", [extreme("ReduceMax"), below, graph.scalar(1e-30, "float32")]);
  const scales = graph.node("Mul", [ranges, graph.scalar(1 / (255 - zero), "float32")]);
  if (taps === 1) return { rows: x, scales };
  const indices = tapIndices(graph, x, taps, stride);
  const gathered = (name: string) => graph.node("Gather", [name, indices], { axis: { int: 1 } }); // [batch, frames, taps, …]
  return {
    rows: graph.node("Reshape", [gathered(x), graph.integers([0, 0, taps * inputs])]),
    scales: graph.node("ReduceMax", [gathered(scales), graph.integers([2])], { keepdims: { int: 0 } }),
  };
}

/** The time steps of [batch, time, …] that each frame of a convolution reads: int64 [frames, taps]. */
function tapIndices(graph: Graph, x: string, taps: number, stride: number): string {
  const time = graph.node("Gather", [graph.node("Shape", [x]), graph.integers([1], [])], { axis: { int: 0 } });
  // The first time step of a frame is at most time − taps.
  const end = graph.node("Sub", [time, graph.integers([taps - 1], [])]);
  const first = graph.node("Range", [graph.integers([0], []), end, graph.integers([stride], [])]);
  const column = graph.node("Unsqueeze", [first, graph.integers([1])]);
  return graph.node("Add", [
    column,
    graph.constant(
      hostTensor(
        Array.from({ length: taps }, (_, tap) => tap),
        [1, taps],
        "int64",
      ),
    ),
  ]);
}

/** A product with 4-bit weights in blocks that have a scale each. accuracy_level 4 lets onnxruntime quantise activations to int8 by blocks. */
export function product4(graph: Graph, x: string, weight: string, [outputs, depth]: readonly [number, number]): string {
  const blocks = Math.ceil(depth / blockSize);
  const stored = graph.external({
    weight,
    suffix: ".q4",
    dtype: "uint8",
    shape: [outputs, blocks, blockSize / 2],
    encode: (values) => blocks4(weight, values, depth),
  });
  const scales = graph.external({
    weight,
    suffix: ".q4.scale",
    dtype: "float32",
    shape: [outputs * blocks],
    encode: (values) => blockScales(weight, values, depth),
  });
  const attributes = { K: depth, N: outputs, bits: 4, block_size: blockSize, accuracy_level: 4 };
  const tagged = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, { int: value }]));
  return graph.node("MatMulNBits", [x, stored, scales], tagged, contribDomain);
}
