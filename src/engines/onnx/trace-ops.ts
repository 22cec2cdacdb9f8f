// Ops as graph nodes: what each word means in ONNX (opset 20).
import type { DType } from "../../base/dtypes.ts";
import { ShapeError } from "../../base/errors.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import type { AttributeValue } from "../../formats/onnx/encode.ts";
import { defaultComposites } from "../../ops/composites.ts";
import type { Ops, Primitives } from "../../ops/ops.ts";
import type { Dim } from "../../ops/program.ts";
import { type Graph, GraphTensor } from "./graph.ts";
import { axisOf, broadcast, expectSize, replaced, windowCount, without } from "./shapes.ts";

export const opset = 20;
export const contribDomain = "com.microsoft";

/** Ops that write into `graph`. */
export function traceOps(graph: Graph): Ops<GraphTensor> {
  const tensor = (dtype: DType, shape: readonly Dim[], plain: string) => new GraphTensor(graph, dtype, shape, { plain });
  const turnedTensor = (dtype: DType, shape: readonly Dim[], turned: string) => new GraphTensor(graph, dtype, shape, { turned });
  const at = (x: GraphTensor, axis: number) => axisOf(x.shape.length, axis);

  /** A shape-keeping operation, done on whichever layout exists. */
  const elementwise = (
    op: string,
    x: GraphTensor,
    extra: string[] = [],
    dtype = x.dtype,
    attributes: Record<string, AttributeValue> = {},
  ) =>
    x.isTurned
      ? turnedTensor(dtype, x.shape, graph.node(op, [x.channelsFirst, ...extra], attributes))
      : tensor(dtype, x.shape, graph.node(op, [x.name, ...extra], attributes));

  /** An operation along one axis, done on whichever layout exists: `node` gets the names and where the axis is in them. */
  const alongAxis = (xs: readonly GraphTensor[], axis: number, shape: readonly Dim[], node: (names: string[], axis: number) => string) => {
    const { dtype } = xs[0]!;
    const turned = xs.every((x) => x.isTurned);
    const names = xs.map((x) => (turned ? x.channelsFirst : x.name));
    if (!turned) return tensor(dtype, shape, node(names, axis));
    return turnedTensor(dtype, shape, node(names, axis === 0 ? 0 : 3 - axis));
  };

  const scalar = (value: number, dtype: DType) => graph.constant(hostTensor([value], [], dtype));

  const binary = (op: string, result?: DType) => (a: GraphTensor, b: GraphTensor | number) => {
    if (typeof b === "number") return elementwise(op, a, [scalar(b, a.dtype)], result ?? a.dtype);
    if (a.dtype !== b.dtype) throw new ShapeError(`${op} takes one dtype, found ${a.dtype} and ${b.dtype}. Cast one of them.`);
    const shape = broadcast(a.shape, b.shape, op);
    if (a.isTurned && b.isTurned) return turnedTensor(result ?? a.dtype, shape, graph.node(op, [a.channelsFirst, b.channelsFirst]));
    return tensor(result ?? a.dtype, shape, graph.node(op, [a.name, b.name]));
  };

  const unary = (op: string) => (x: GraphTensor) => elementwise(op, x);

  const reduction = (op: string) => (x: GraphTensor, axis: number) => {
    const i = at(x, axis);
    return tensor(x.dtype, replaced(x.shape, i, 1), graph.node(op, [x.name, graph.integers([i])], { keepdims: { int: 1 } }));
  };

  const argument = (op: string) => (x: GraphTensor, axis: number) => {
    const i = at(x, axis);
    const index = tensor("int64", without(x.shape, i), graph.node(op, [x.name], { axis: { int: i }, keepdims: { int: 0 } }));
    return ops.cast(index, "int32");
  };

  const headsApart = (joined: string, heads: number, d: number) =>
    graph.node("Transpose", [graph.node("Reshape", [joined, graph.integers([0, 0, heads, d])])], { perm: { ints: [0, 2, 1, 3] } });

  const primitives: Primitives<GraphTensor> = {
    constant: (values, shape, dtype = "float32") => tensor(dtype, shape, graph.constant(hostTensor(values, shape, dtype))),
    cast: (x, dtype) => (x.dtype === dtype ? x : elementwise("Cast", x, [], dtype, { to: { int: castCodes[dtype] } })),

    add: binary("Add"),
    sub: binary("Sub"),
    mul: binary("Mul"),
    div: binary("Div"),
    maximum: binary("Max"),
    minimum: binary("Min"),
    less: binary("Less", "bool"),
    equal: binary("Equal", "bool"),
    where(mask, a, b) {
      const other = typeof b === "number" ? scalar(b, a.dtype) : b.name;
      const shape = broadcast(mask.shape, broadcast(a.shape, typeof b === "number" ? [] : b.shape, "where"), "where");
      return tensor(a.dtype, shape, graph.node("Where", [mask.name, a.name, other]));
    },

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
    softmax: (x, axis) => tensor(x.dtype, x.shape, graph.node("Softmax", [x.name], { axis: { int: at(x, axis) } })),

    matmul(a, b) {
      expectSize(a.shape.at(-1), b.shape.at(-2), `matmul of [${a.shape}] and [${b.shape}], the inner size`);
      const shape = [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2), "matmul"), a.shape.at(-2)!, b.shape.at(-1)!];
      return tensor(a.dtype, shape, graph.node("MatMul", [a.name, b.name]));
    },
    conv1d(x, weight, bias, { stride = 1, padding = 0, groups = 1, dilation = 1 } = {}) {
      const [out, inputs, kernel] = weight.shape as [number, number, number];
      expectSize(x.shape.at(-1), inputs * groups, `conv1d of [${x.shape}] with weight [${weight.shape}] in ${groups} groups, the channels`);
      const time = x.shape[1]!;
      const frames =
        typeof time === "number" ? windowCount(time + 2 * padding, dilation * (kernel - 1) + 1, stride) : graph.fresh("frames");
      const name = graph.node("Conv", [x.channelsFirst, weight.name, ...(bias ? [bias.name] : [])], {
        kernel_shape: { ints: [kernel] },
        strides: { ints: [stride] },
        pads: { ints: [padding, padding] },
        dilations: { ints: [dilation] },
        group: { int: groups },
      });
      return turnedTensor(x.dtype, [x.shape[0]!, frames, out], name);
    },
    lstm(x, { input, hidden, inputBias, hiddenBias }, state) {
      const width = primitives.fixedSize(hidden, 1);
      // torch orders the gates input, forget, cell, output; ONNX input, output, forget, cell.
      const gates = (weight: GraphTensor) => [0, 3, 1, 2].map((gate) => primitives.slice(weight, 0, gate * width, (gate + 1) * width));
      const joined = (...weights: GraphTensor[]) => primitives.unsqueeze(primitives.concat(weights.flatMap(gates), 0), 0).name;
      const before = state ? ["", primitives.unsqueeze(state.hidden, 0).name, primitives.unsqueeze(state.cell, 0).name] : [];
      const timeFirst = primitives.swapAxes(x, 0, 1);
      const [y, h, c] = graph.nodeWithOutputs(
        "LSTM",
        [timeFirst.name, joined(input), joined(hidden), joined(inputBias, hiddenBias), ...before],
        3,
        { hidden_size: { int: width } },
      ) as [string, string, string];
      const [batch, time] = x.shape as [Dim, Dim, Dim];
      const output = primitives.squeeze(tensor(x.dtype, [time, 1, batch, width], y), 1); // [t, b, width]
      const last = (name: string) => primitives.squeeze(tensor(x.dtype, [1, batch, width], name), 0);
      return { output: primitives.swapAxes(output, 0, 1), hidden: last(h), cell: last(c) };
    },
    windows(x, size, hop) {
      // A convolution whose filters are the unit vectors copies each window out.
      const unit = Array.from({ length: size * size }, (_, i) => (i % size === Math.floor(i / size) ? 1 : 0));
      return ops.conv1d(ops.unsqueeze(x, 2), ops.constant(unit, [size, 1, size]), undefined, { stride: hop });
    },
    layerNorm(x, weight, bias, eps) {
      const width = x.shape.at(-1);
      if (typeof width !== "number") throw new ShapeError(`layerNorm needs a last axis of known size, found [${x.shape}].`);
      const scale = weight ?? ops.constant(new Float32Array(width).fill(1), [width]);
      const inputs = [x.name, scale.name, ...(bias ? [bias.name] : [])];
      return tensor(x.dtype, x.shape, graph.node("LayerNormalization", inputs, { axis: { int: -1 }, epsilon: { float: eps } }));
    },
    gather: (table, indices) =>
      tensor(
        table.dtype,
        [...indices.shape, ...table.shape.slice(1)],
        graph.node("Gather", [table.name, indices.name], { axis: { int: 0 } }),
      ),

    swapAxes(x, a, b) {
      const [i, j] = [at(x, a), at(x, b)];
      const perm = x.shape.map((_, axis) => (axis === i ? j : axis === j ? i : axis));
      const shape = perm.map((axis) => x.shape[axis]!);
      if (x.shape.length === 3 && i + j === 3 && i !== j && x.isTurned) return tensor(x.dtype, shape, x.channelsFirst);
      return tensor(x.dtype, shape, graph.node("Transpose", [x.name], { perm: { ints: perm } }));
    },
    unsqueeze(x, axis) {
      const i = axisOf(x.shape.length + 1, axis);
      return tensor(x.dtype, x.shape.toSpliced(i, 0, 1), graph.node("Unsqueeze", [x.name, graph.integers([i])]));
    },
    squeeze(x, axis) {
      const i = at(x, axis);
      expectSize(x.shape[i], 1, `squeeze of axis ${i} of [${x.shape}]`);
      return tensor(x.dtype, without(x.shape, i), graph.node("Squeeze", [x.name, graph.integers([i])]));
    },
    concat(xs, axis) {
      const i = at(xs[0]!, axis);
      const sizes = xs.map((x) => x.shape[i]!);
      const total = sizes.every((size) => typeof size === "number") ? sizes.reduce((sum, size) => sum + size, 0) : graph.fresh("joined");
      return alongAxis(xs, i, replaced(xs[0]!.shape, i, total), (names, axis) => graph.node("Concat", names, { axis: { int: axis } }));
    },
    slice(x, axis, start, end = Number.MAX_SAFE_INTEGER) {
      const i = at(x, axis);
      const size = x.shape[i]!;
      const bounds = [graph.integers([start]), graph.integers([end])];
      return alongAxis([x], i, replaced(x.shape, i, sliceSize(size, start, end) ?? graph.fresh("sliced")), ([name], axis) =>
        graph.node("Slice", [name!, ...bounds, graph.integers([axis])]),
      );
    },
    matchLength(x, axis, like) {
      const i = at(x, axis);
      const end = graph.node("Gather", [graph.node("Shape", [like.name]), graph.integers([i])], { axis: { int: 0 } });
      const name = graph.node("Slice", [x.name, graph.integers([0]), end, graph.integers([i])]);
      return tensor(x.dtype, replaced(x.shape, i, like.shape[i]!), name);
    },
    pad(x, axis, before, after, mode = "zero") {
      const i = at(x, axis);
      const size = x.shape[i]!;
      const onnxMode = mode === "zero" ? "constant" : "reflect";
      const shape = replaced(x.shape, i, typeof size === "number" ? size + before + after : graph.fresh("padded"));
      const attributes = { mode: { string: onnxMode } };
      // Every axis is told: onnxruntime moves transposes past a Pad as if it had no axes input.
      const pads = (axis: number) =>
        x.shape.map((_, j) => (j === axis ? before : 0)).concat(x.shape.map((_, j) => (j === axis ? after : 0)));
      return alongAxis([x], i, shape, ([name], axis) => graph.node("Pad", [name!, graph.integers(pads(axis))], attributes));
    },
    splitHeads(x, heads) {
      const [batch, time, width] = x.shape as [Dim, Dim, number];
      return new GraphTensor(graph, x.dtype, [batch, heads, time, width / heads], {
        plain: () => headsApart(x.name, heads, width / heads),
        joined: x,
      });
    },
    mergeHeads(x) {
      if (x.joined) return x.joined;
      const [batch, heads, time, d] = x.shape as [Dim, number, Dim, number];
      const turned = graph.node("Transpose", [x.name], { perm: { ints: [0, 2, 1, 3] } });
      return tensor(x.dtype, [batch, time, heads * d], graph.node("Reshape", [turned, graph.integers([0, 0, heads * d])]));
    },
    lengthMask(like, axis, lengths) {
      const i = at(like, axis);
      const size = graph.node("Gather", [graph.node("Shape", [like.name]), graph.integers([i], [])], { axis: { int: 0 } });
      const count = graph.node("Cast", [size], { to: { int: castCodes.int32 } });
      const positions = tensor("int32", [like.shape[i]!], graph.node("Range", [scalar(0, "int32"), count, scalar(1, "int32")]));
      return ops.less(ops.unsqueeze(positions, 0), ops.unsqueeze(lengths, 1));
    },
    sizeOf(x, axis) {
      const size = graph.node("Gather", [graph.node("Shape", [x.name]), graph.integers([at(x, axis)], [])], { axis: { int: 0 } });
      return tensor("float32", [], graph.node("Cast", [size], { to: { int: castCodes.float32 } }));
    },
    fixedSize(x, axis) {
      const size = x.shape[at(x, axis)]!;
      if (typeof size !== "number") throw new ShapeError(`Axis ${axis} of [${x.shape}] is known only when the graph runs.`);
      return size;
    },
  };

  const composites = defaultComposites(primitives);
  const ops: Ops<GraphTensor> = {
    ...primitives,
    ...composites,
    attention(q, k, v, lengths) {
      if (lengths !== undefined || !q.joined || !k.joined || !v.joined) return composites.attention(q, k, v, lengths);
      // onnxruntime's own kernel goes block by block: the scores of long audio never stand in memory whole.
      const [heads, d] = [primitives.fixedSize(q, 1), primitives.fixedSize(q, -1)];
      const inputs = [q.joined.name, k.joined.name, v.joined.name];
      const joined = tensor(
        q.dtype,
        q.joined.shape,
        graph.node("MultiHeadAttention", inputs, { num_heads: { int: heads } }, contribDomain),
      );
      return new GraphTensor(graph, q.dtype, q.shape, { plain: () => headsApart(joined.name, heads, d), joined });
    },
    convPerRow(signal, weight, shift, stride) {
      // weight [b, out, k] · windows [b, k, t]: channels come out first, which is how the next convolution wants them.
      const kernel = primitives.fixedSize(weight, -1);
      const windows = primitives.windows(signal, kernel, stride);
      const product = graph.node("MatMul", [weight.name, windows.channelsFirst]);
      const name = graph.node("Add", [product, primitives.unsqueeze(shift, 2).name]);
      return turnedTensor(signal.dtype, [signal.shape[0]!, windows.shape[1]!, weight.shape[1]!], name);
    },
  };
  return ops;
}

/** TensorProto.DataType of what a cast may give. */
const castCodes: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

function sliceSize(size: Dim, start: number, end: number): number | undefined {
  if (typeof size !== "number") return start >= 0 && end >= 0 && end < Number.MAX_SAFE_INTEGER ? end - start : undefined;
  const clamp = (position: number) => Math.min(size, Math.max(0, position < 0 ? position + size : position));
  return Math.max(0, clamp(end) - clamp(start));
}
