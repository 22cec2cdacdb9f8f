// Operators that move, select or add entries along axes, as ONNX nodes.
import type { Dim } from "../../../ops/program.ts";
import { GraphTensor } from "../graph.ts";
import { axisOf, expectSize, replaced, sliceSize, without } from "../shapes.ts";

const axisIn = (x: GraphTensor, axis: number) => axisOf(x.shape.length, axis);

export function gather(table: GraphTensor, indices: GraphTensor): GraphTensor {
  const name = table.graph.node("Gather", [table.name, indices.name], { axis: { int: 0 } });
  return new GraphTensor(table.graph, table.dtype, [...indices.shape, ...table.shape.slice(1)], { name });
}

export function swapAxes(x: GraphTensor, a: number, b: number): GraphTensor {
  const [i, j] = [axisIn(x, a), axisIn(x, b)];
  const perm = x.shape.map((_, axis) => (axis === i ? j : axis === j ? i : axis));
  const shape = perm.map((axis) => x.shape[axis]!);
  const swapsTimeAndChannels = x.shape.length === 3 && i + j === 3 && i !== j;
  if (swapsTimeAndChannels && x.onlyChannelsFirst) return new GraphTensor(x.graph, x.dtype, shape, { name: x.channelsFirst });
  return new GraphTensor(x.graph, x.dtype, shape, { name: x.graph.node("Transpose", [x.name], { perm: { ints: perm } }) });
}

export function unsqueeze(x: GraphTensor, axis: number): GraphTensor {
  const i = axisOf(x.shape.length + 1, axis);
  const name = x.graph.node("Unsqueeze", [x.name, x.graph.integers([i])]);
  return new GraphTensor(x.graph, x.dtype, x.shape.toSpliced(i, 0, 1), { name });
}

export function squeeze(x: GraphTensor, axis: number): GraphTensor {
  const i = axisIn(x, axis);
  expectSize(x.shape[i], 1, `squeeze of axis ${i} of [${x.shape}]`);
  return new GraphTensor(x.graph, x.dtype, without(x.shape, i), { name: x.graph.node("Squeeze", [x.name, x.graph.integers([i])]) });
}

export function concat(xs: readonly GraphTensor[], axis: number): GraphTensor {
  const { graph, shape } = xs[0]!;
  const i = axisIn(xs[0]!, axis);
  const sizes = xs.map((x) => x.shape[i]!);
  const total = sizes.every((size) => typeof size === "number") ? sizes.reduce((sum, size) => sum + size, 0) : graph.fresh("joined");
  return alongAxis(xs, i, replaced(shape, i, total), (names, axis) => graph.node("Concat", names, { axis: { int: axis } }));
}

export function slice(x: GraphTensor, axis: number, start: number, end = Number.MAX_SAFE_INTEGER): GraphTensor {
  const { graph } = x;
  const i = axisIn(x, axis);
  const size = sliceSize(x.shape[i]!, start, end) ?? graph.fresh("sliced");
  return alongAxis([x], i, replaced(x.shape, i, size), ([name], axis) =>
    graph.node("Slice", [name!, graph.integers([start]), graph.integers([end]), graph.integers([axis])]),
  );
}

export function matchLength(x: GraphTensor, axis: number, like: GraphTensor): GraphTensor {
  const { graph } = x;
  const i = axisIn(x, axis);
  const end = graph.node("Gather", [graph.node("Shape", [like.name]), graph.integers([i])], { axis: { int: 0 } });
  const name = graph.node("Slice", [x.name, graph.integers([0]), end, graph.integers([i])]);
  return new GraphTensor(graph, x.dtype, replaced(x.shape, i, like.shape[i]!), { name });
}

export function pad(x: GraphTensor, axis: number, before: number, after: number, mode: "zero" | "reflect" = "zero"): GraphTensor {
  const { graph } = x;
  const i = axisIn(x, axis);
  const size = x.shape[i]!;
  const padded = typeof size === "number" ? size + before + after : graph.fresh("padded");
  const attributes = { mode: { string: mode === "zero" ? "constant" : "reflect" } };
  // The pads of all axes, not of one with an `axes` input: onnxruntime ignores that input when it moves a Transpose past a Pad.
  const pads = (axis: number) => [...x.shape.map((_, j) => (j === axis ? before : 0)), ...x.shape.map((_, j) => (j === axis ? after : 0))];
  return alongAxis([x], i, replaced(x.shape, i, padded), ([name], axis) =>
    graph.node("Pad", [name!, graph.integers(pads(axis))], attributes),
  );
}

export function splitHeads(x: GraphTensor, heads: number): GraphTensor {
  const [batch, time, width] = x.shape as [Dim, Dim, number];
  return headsOf(x, [batch, heads, time, width / heads]);
}

export function mergeHeads(x: GraphTensor): GraphTensor {
  if (x.mergedHeads) return x.mergedHeads;
  const [batch, heads, time, d] = x.shape as [Dim, number, Dim, number];
  const transposed = x.graph.node("Transpose", [x.name], { perm: { ints: [0, 2, 1, 3] } });
  const name = x.graph.node("Reshape", [transposed, x.graph.integers([0, 0, heads * d])]);
  return new GraphTensor(x.graph, x.dtype, [batch, time, heads * d], { name });
}

/** `merged` [batch, time, heads · d] as a tensor of `shape` [batch, heads, time, d]. The nodes that split it are written only where the
 *  split form is used. */
export function headsOf(merged: GraphTensor, shape: readonly Dim[]): GraphTensor {
  const { graph } = merged;
  const [, heads, , d] = shape as [Dim, number, Dim, number];
  const split = () => graph.node("Reshape", [merged.name, graph.integers([0, 0, heads, d])]);
  const name = () => graph.node("Transpose", [split()], { perm: { ints: [0, 2, 1, 3] } });
  return new GraphTensor(graph, merged.dtype, shape, { name, mergedHeads: merged });
}

/** An operator along one axis, in the layout in which all of `xs` exist. `node` gets their names, and the axis in that layout. */
function alongAxis(
  xs: readonly GraphTensor[],
  axis: number,
  shape: readonly Dim[],
  node: (names: string[], axis: number) => string,
): GraphTensor {
  const { graph, dtype } = xs[0]!;
  if (!xs.every((x) => x.onlyChannelsFirst)) {
    const names = xs.map((x) => x.name);
    return new GraphTensor(graph, dtype, shape, { name: node(names, axis) });
  }
  const names = xs.map((x) => x.channelsFirst);
  return new GraphTensor(graph, dtype, shape, { channelsFirst: node(names, axis === 0 ? 0 : 3 - axis) });
}
