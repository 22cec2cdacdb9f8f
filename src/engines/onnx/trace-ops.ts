// The ONNX tracer's Ops: each operator writes its nodes into the graph of its inputs. `operators/` has one function for each.
import { defaultComposites } from "../../ops/composites.ts";
import type { Ops, Primitives } from "../../ops/ops.ts";
import type { Graph, GraphTensor } from "./graph.ts";
import { binary, cast, constant, unary, where } from "./operators/elementwise.ts";
import { concat, gather, matchLength, mergeHeads, pad, slice, splitHeads, squeeze, swapAxes, unsqueeze } from "./operators/layout.ts";
import { conv1d, convPerRow, fusedAttention, lstm, matmul, windows } from "./operators/products.ts";
import { argument, layerNorm, reduction, softmax } from "./operators/reductions.ts";
import { fixedSize, lengthMask, sizeOf } from "./operators/sizes.ts";

/** Ops whose constants are stored in `graph`. */
export function traceOps(graph: Graph): Ops<GraphTensor> {
  const primitives: Primitives<GraphTensor> = {
    constant: (values, shape, dtype) => constant(graph, values, shape, dtype),
    cast,
    add: binary("Add"),
    sub: binary("Sub"),
    mul: binary("Mul"),
    div: binary("Div"),
    maximum: binary("Max"),
    minimum: binary("Min"),
    less: binary("Less", "bool"),
    equal: binary("Equal", "bool"),
    where,
    sqrt: unary("Sqrt"),
    exp: unary("Exp"),
    log: unary("Log"),
    abs: unary("Abs"),
    sin: unary("Sin"),
    cos: unary("Cos"),
    tanh: unary("Tanh"),
    sigmoid: unary("Sigmoid"),
    relu: unary("Relu"),
    gelu: unary("Gelu"),
    elu: unary("Elu"),
    sum: reduction("ReduceSum"),
    mean: reduction("ReduceMean"),
    max: reduction("ReduceMax"),
    argmin: argument("ArgMin"),
    argmax: argument("ArgMax"),
    softmax,
    layerNorm,
    matmul,
    conv1d,
    lstm,
    windows,
    gather,
    swapAxes,
    unsqueeze,
    squeeze,
    concat,
    slice,
    matchLength,
    pad,
    splitHeads,
    mergeHeads,
    lengthMask,
    sizeOf,
    fixedSize,
  };
  const composites = defaultComposites(primitives);
  return {
    ...primitives,
    ...composites,
    attention: (q, k, v, lengths) => fusedAttention(q, k, v, lengths) ?? composites.attention(q, k, v, lengths),
    convPerRow,
  };
}
