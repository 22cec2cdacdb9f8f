// Products: matrix products, convolutions, the LSTM and attention, as ONNX nodes.
import type { ConvOptions, LstmState, LstmWeights } from "../../../ops/ops.ts";
import type { Dim } from "../../../ops/program.ts";
import { contribDomain, GraphTensor } from "../graph.ts";
import { broadcast, expectSize, windowCount } from "../shapes.ts";
import { constant } from "./elementwise.ts";
import { concat, headsOf, slice, squeeze, swapAxes, unsqueeze } from "./layout.ts";
import { fixedSize } from "./sizes.ts";

export function matmul(a: GraphTensor, b: GraphTensor): GraphTensor {
  expectSize(a.shape.at(-1), b.shape.at(-2), `matmul of [${a.shape}] and [${b.shape}], the inner size`);
  const shape = [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2), "matmul"), a.shape.at(-2)!, b.shape.at(-1)!];
  return new GraphTensor(a.graph, a.dtype, shape, { name: a.graph.node("MatMul", [a.name, b.name]) });
}

export function conv1d(
  x: GraphTensor,
  weight: GraphTensor,
  bias: GraphTensor | undefined,
  { stride = 1, padding = 0, groups = 1, dilation = 1 }: ConvOptions = {},
): GraphTensor {
  const { graph } = x;
  const [out, inputs, kernel] = weight.shape as [number, number, number];
  expectSize(x.shape.at(-1), inputs * groups, `conv1d of [${x.shape}] with weight [${weight.shape}] in ${groups} groups, the channels`);
  const time = x.shape[1]!;
  const frames = typeof time === "number" ? windowCount(time + 2 * padding, dilation * (kernel - 1) + 1, stride) : graph.fresh("frames");
  const channelsFirst = graph.node("Conv", [x.channelsFirst, weight.name, ...(bias ? [bias.name] : [])], {
    kernel_shape: { ints: [kernel] },
    strides: { ints: [stride] },
    pads: { ints: [padding, padding] },
    dilations: { ints: [dilation] },
    group: { int: groups },
  });
  return new GraphTensor(graph, x.dtype, [x.shape[0]!, frames, out], { channelsFirst });
}

/** Weight [b, out, k] · windows [b, k, t]: the result has channels first, as the next convolution wants it. */
export function convPerRow(signal: GraphTensor, weight: GraphTensor, shift: GraphTensor, stride: number): GraphTensor {
  const { graph } = signal;
  const signalWindows = windows(signal, fixedSize(weight, -1), stride);
  const product = graph.node("MatMul", [weight.name, signalWindows.channelsFirst]);
  const channelsFirst = graph.node("Add", [product, unsqueeze(shift, 2).name]);
  return new GraphTensor(graph, signal.dtype, [signal.shape[0]!, signalWindows.shape[1]!, weight.shape[1]!], { channelsFirst });
}

/** Windows by a convolution whose filters are the unit vectors. */
export function windows(x: GraphTensor, size: number, hop: number): GraphTensor {
  const identity = Float32Array.from({ length: size * size }, (_, i) => (i % size === Math.floor(i / size) ? 1 : 0));
  return conv1d(unsqueeze(x, 2), constant(x.graph, identity, [size, 1, size]), undefined, { stride: hop });
}

export function lstm(
  x: GraphTensor,
  { input, hidden, inputBias, hiddenBias }: LstmWeights<GraphTensor>,
  state?: LstmState<GraphTensor>,
): { readonly output: GraphTensor } & LstmState<GraphTensor> {
  const { graph, dtype } = x;
  const [batch, time] = x.shape as [Dim, Dim, Dim];
  const width = fixedSize(hidden, 1);
  // torch orders the gates input, forget, cell, output; ONNX input, output, forget, cell.
  const gates = (weight: GraphTensor) => [0, 3, 1, 2].map((gate) => slice(weight, 0, gate * width, (gate + 1) * width));
  const onnxWeight = (...weights: GraphTensor[]) => unsqueeze(concat(weights.flatMap(gates), 0), 0).name;
  const noLengths = "";
  const initial = state ? [noLengths, unsqueeze(state.hidden, 0).name, unsqueeze(state.cell, 0).name] : [];
  const inputs = [swapAxes(x, 0, 1).name, onnxWeight(input), onnxWeight(hidden), onnxWeight(inputBias, hiddenBias), ...initial];
  const [y, h, c] = graph.nodeWithOutputs("LSTM", inputs, 3, { hidden_size: { int: width } }) as [string, string, string];
  const output = squeeze(new GraphTensor(graph, dtype, [time, 1, batch, width], { name: y }), 1); // [t, b, width]
  const last = (name: string) => squeeze(new GraphTensor(graph, dtype, [1, batch, width], { name }), 0);
  return { output: swapAxes(output, 0, 1), hidden: last(h), cell: last(c) };
}

/** Attention by onnxruntime's own kernel, which goes block by block and so never holds all scores of long audio. Undefined where that
 *  kernel does not apply: with lengths, or with heads that do not come from `splitHeads`. */
export function fusedAttention(q: GraphTensor, k: GraphTensor, v: GraphTensor, lengths: GraphTensor | undefined): GraphTensor | undefined {
  if (lengths !== undefined || !q.mergedHeads || !k.mergedHeads || !v.mergedHeads) return undefined;
  const inputs = [q.mergedHeads.name, k.mergedHeads.name, v.mergedHeads.name];
  const name = q.graph.node("MultiHeadAttention", inputs, { num_heads: { int: fixedSize(q, 1) } }, contribDomain);
  return headsOf(new GraphTensor(q.graph, q.dtype, q.mergedHeads.shape, { name }), q.shape);
}
