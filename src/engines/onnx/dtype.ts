// Dtypes other than float32: how the tracer writes products with weights. Models do not depend on them.
import { defaultComposites } from "../../ops/composites.ts";
import type { Ops } from "../../ops/ops.ts";
import type { Dim } from "../../ops/program.ts";
import { type Graph, GraphTensor } from "./graph.ts";
import { product4, product8 } from "./quantised-products.ts";
import { windowCount } from "./shapes.ts";
import { halves, type OnnxDtype, type Quantise8Options } from "./weight-forms.ts";

/** GELU and SiLU outputs are lopsided: they are quantised with a range this many times as wide above zero as below. */
const geluSkew = 6;

/** `ops` with products in `dtype`. Norms, biases, the first convolution and grouped convolutions stay float32. */
export function withDtype(
  graph: Graph,
  ops: Ops<GraphTensor>,
  dtype: OnnxDtype,
  { saturating = false }: Quantise8Options = {},
): Ops<GraphTensor> {
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
    const result = new GraphTensor(graph, "float32", shape, { name });
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
          ? product8(graph, x.name, weight.weight, matrix, { skew: skewOf(x), saturating })
          : product4(graph, x.name, weight.weight, [outputs, inputs]);
      return activate(finish(name, [...x.shape.slice(0, -1), outputs], bias), activation);
    },
    conv1d(x, weight, bias, options = {}) {
      const { stride = 1, padding = 0, groups = 1, dilation = 1 } = options;
      if (!weight.weight || padding !== 0 || groups !== 1 || dilation !== 1) return ops.conv1d(x, weight, bias, options);
      const [outputs, inputs, taps] = weight.shape as [number, number, number];
      const [batch, time] = x.shape as [Dim, Dim];
      const frames = typeof time === "number" ? windowCount(time, taps, stride) : graph.fresh("frames");
      // Convolutions have few of the weights and most of the error, so they keep 8 bits in a 4-bit graph.
      const name = product8(graph, x.name, weight.weight, { outputs, inputs, taps }, { skew: skewOf(x), stride, saturating });
      return finish(name, [batch, frames, outputs], bias);
    },
    // With 8-bit convolutions the next layer is a product over channels, which needs channels last.
    convPerRow: defaultComposites(ops).convPerRow,
  };
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
