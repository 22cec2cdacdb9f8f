// Primitives on libtorch: what each word of `Primitives` computes, grouped by kind. Eager: each call computes its result.
import { ShapeError } from "../../base/errors.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import type { ConvOptions, LstmState, LstmWeights, Primitives } from "../../ops/ops.ts";
import { op, opMany } from "./call.ts";
import { fromHost, type TorchTensor } from "./tensor.ts";

const full = op("full");
const to = op("to.dtype");
const lt = op("lt.Tensor");
const transpose = op("transpose.int");
const unsqueeze = op("unsqueeze");
const squeeze = op("squeeze.dim");
const slice = op("slice.Tensor");
const reshape = op("reshape");

/** The primitives, with constants on `device`. Differentiable wherever libtorch's operators are. */
export function torchPrimitives(device: string): Primitives<TorchTensor> {
  return {
    constant: (values, shape, dtype = "float32") => fromHost(hostTensor(values, shape, dtype), device),
    cast: (x, dtype) => to(x, dtype),
    ...arithmetic,
    ...functions,
    ...reductions,
    ...layers,
    ...shapes,
  };
}

/** The size of an axis, which may be negative. @throws ShapeError where the tensor has no such axis. */
export function sizeAt(x: TorchTensor, axis: number): number {
  const size = x.shape.at(axis);
  if (size === undefined) throw new ShapeError(`A tensor of shape [${x.shape}] has no axis ${axis}.`);
  return size;
}

type Binary = (a: TorchTensor, b: TorchTensor | number) => TorchTensor;

/** One function of two operators: `tensor` for two tensors, `scalar` for a tensor and a number. */
function binary(tensor: (a: TorchTensor, b: TorchTensor) => TorchTensor, scalar: (a: TorchTensor, b: number) => TorchTensor): Binary {
  return (a, b) => (typeof b === "number" ? scalar(a, b) : tensor(a, b));
}

const where = op("where.self");

const arithmetic = {
  add: binary(op("add.Tensor"), op("add.Scalar")),
  sub: binary(op("sub.Tensor"), op("sub.Scalar")),
  mul: binary(op("mul.Tensor"), op("mul.Scalar")),
  div: binary(op("div.Tensor"), op("div.Scalar")),
  maximum: binary(op("maximum"), op("clamp_min")),
  minimum: binary(op("minimum"), op("clamp_max")),
  less: binary(lt, op("lt.Scalar")),
  equal: binary(op("eq.Tensor"), op("eq.Scalar")),
  where: (mask: TorchTensor, a: TorchTensor, b: TorchTensor | number) =>
    where(mask, a, typeof b === "number" ? full([], b, a.dtype, undefined, a.device) : b),
};

const gelu = op("gelu");

/** Exact GELU on a flat view. The oneDNN kernel of libtorch 1.13 silently computes a wrong gradient where the incoming gradient is
 *  strided, as behind a transposed convolution; the backward of the reshape makes it dense. The forward copies nothing. */
function safeGelu(x: TorchTensor): TorchTensor {
  return reshape(gelu(reshape(x, [-1])), x.shape);
}

const functions = {
  sqrt: op("sqrt"),
  exp: op("exp"),
  log: op("log"),
  abs: op("abs"),
  sin: op("sin"),
  cos: op("cos"),
  tanh: op("tanh"),
  sigmoid: op("sigmoid"),
  relu: op("relu"),
  elu: op("elu"),
  gelu: safeGelu,
};

const sum = op("sum.dim_IntList");
const mean = op("mean.dim");
const amax = op("amax");
const argmin = op("argmin");
const argmax = op("argmax");

const reductions = {
  sum: (x: TorchTensor, axis: number) => sum(x, [axis], true),
  mean: (x: TorchTensor, axis: number) => mean(x, [axis], true),
  max: (x: TorchTensor, axis: number) => amax(x, [axis], true),
  argmin: (x: TorchTensor, axis: number) => to(argmin(x, axis), "int32"),
  argmax: (x: TorchTensor, axis: number) => to(argmax(x, axis), "int32"),
  softmax: op("softmax.int"),
};

const convTime = op("ostinato::conv_time");
const conv1d = op("conv1d");
const conv2d = op("conv2d");
const lstm = opMany("lstm.input");
const unfold = op("unfold");
const layerNorm = op("layer_norm");
const arange = op("arange");

/** conv1d on [batch, time, channels]. Seen as [batch, channels, 1, time] the same memory is libtorch's channels-last layout, so that
 *  neither input nor output is transposed in memory. Without padding, groups and dilation it has a weight gradient of its own
 *  (native/src/convolution.cc). */
export function timeConvolution(
  x: TorchTensor,
  weight: TorchTensor,
  bias: TorchTensor | undefined,
  { stride = 1, padding = 0, groups = 1, dilation = 1 }: ConvOptions = {},
): TorchTensor {
  if (groups === 1 && padding === 0 && dilation === 1) return convTime(x, weight, bias, stride);
  const channelsFirst = transpose(x, 1, 2);
  if (groups > 1) return transpose(conv1d(channelsFirst, weight, bias, [stride], [padding], [dilation], groups), 1, 2);
  const y = conv2d(unsqueeze(channelsFirst, 2), unsqueeze(weight, 2), bias, [1, stride], [0, padding], [1, dilation], groups);
  return transpose(squeeze(y, 2), 1, 2);
}

const layers = {
  matmul: op("matmul"),
  conv1d: timeConvolution,
  lstm(x: TorchTensor, { input, hidden, inputBias, hiddenBias }: LstmWeights<TorchTensor>, state?: LstmState<TorchTensor>) {
    const [batch, width] = [sizeAt(x, 0), sizeAt(hidden, 1)];
    const zero = () => full([1, batch, width], 0, x.dtype, undefined, x.device);
    const before = state ? [unsqueeze(state.hidden, 0), unsqueeze(state.cell, 0)] : [zero(), zero()];
    const [output, h, c] = lstm(x, before, [input, hidden, inputBias, hiddenBias], true, 1, 0, false, false, true);
    return { output, hidden: squeeze(h, 0), cell: squeeze(c, 0) };
  },
  windows: (x: TorchTensor, size: number, hop: number) => unfold(x, 1, size, hop),
  layerNorm(x: TorchTensor, weight: TorchTensor | undefined, bias: TorchTensor | undefined, eps: number) {
    // Under autocast the input may be in a half dtype and the weights in float32, which libtorch 1.13 refuses.
    const input = weight !== undefined && x.dtype !== weight.dtype ? to(x, weight.dtype) : x;
    return layerNorm(input, [sizeAt(x, -1)], weight, bias, eps);
  },
  gather: op("embedding"),
  lengthMask: (like: TorchTensor, axis: number, lengths: TorchTensor) =>
    lt(unsqueeze(arange(sizeAt(like, axis), "int32", undefined, like.device), 0), unsqueeze(lengths, 1)),
};

const constantPad = op("constant_pad_nd");
const reflectionPad = op("reflection_pad1d");

/** Zeros, or the mirrored signal without its edge, before and after along an axis. */
function pad(x: TorchTensor, axis: number, before: number, after: number, mode: "zero" | "reflect" = "zero"): TorchTensor {
  const rank = x.shape.length;
  const axesBehind = rank - 1 - (axis < 0 ? axis + rank : axis);
  if (mode === "zero") return constantPad(x, [...Array<number>(2 * axesBehind).fill(0), before, after], 0);
  const last = transpose(x, axis, -1);
  const shape = last.shape;
  const padded = reflectionPad(reshape(last, [1, -1, shape.at(-1)!]), [before, after]);
  return transpose(reshape(padded, [...shape.slice(0, -1), -1]), axis, -1);
}

const shapes = {
  swapAxes: transpose,
  unsqueeze,
  squeeze(x: TorchTensor, axis: number) {
    if (sizeAt(x, axis) !== 1) throw new ShapeError(`squeeze of axis ${axis} of [${x.shape}]: its size is not 1.`);
    return squeeze(x, axis);
  },
  concat: op("cat"),
  slice,
  matchLength: (x: TorchTensor, axis: number, like: TorchTensor) => slice(x, axis, 0, sizeAt(like, axis)),
  pad,
  splitHeads(x: TorchTensor, heads: number) {
    const [batch, time, width] = x.shape as [number, number, number];
    if (width % heads !== 0) throw new ShapeError(`A width of ${width} does not split into ${heads} heads.`);
    return transpose(reshape(x, [batch, time, heads, width / heads]), 1, 2);
  },
  mergeHeads(x: TorchTensor) {
    const [batch, heads, time, d] = x.shape as [number, number, number, number];
    return reshape(transpose(x, 1, 2), [batch, time, heads * d]);
  },
  sizeOf: (x: TorchTensor, axis: number) => full([], sizeAt(x, axis), "float32", undefined, x.device),
  fixedSize: sizeAt,
};
