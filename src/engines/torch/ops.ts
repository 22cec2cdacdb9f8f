// Ops on libtorch: what each word means as its operators. Eager: a call computes.
import { ShapeError } from "../../base/errors.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import { activateWith } from "../../ops/composites.ts";
import type { Composites, ConvOptions, Ops, Primitives } from "../../ops/ops.ts";
import { op, opMany } from "./call.ts";
import { fromHost, type TorchTensor } from "./tensor.ts";

const add = op("add.Tensor");
const addScalar = op("add.Scalar");
const sub = op("sub.Tensor");
const subScalar = op("sub.Scalar");
const mul = op("mul.Tensor");
const mulScalar = op("mul.Scalar");
const div = op("div.Tensor");
const divScalar = op("div.Scalar");
const maximum = op("maximum");
const clampMin = op("clamp_min");
const minimum = op("minimum");
const clampMax = op("clamp_max");
const lt = op("lt.Tensor");
const ltScalar = op("lt.Scalar");
const eq = op("eq.Tensor");
const eqScalar = op("eq.Scalar");
const where = op("where.self");
const to = op("to.dtype");
const sum = op("sum.dim_IntList");
const mean = op("mean.dim");
const amax = op("amax");
const argmin = op("argmin");
const argmax = op("argmax");
const softmax = op("softmax.int");
const matmul = op("matmul");
const convTime = op("ostinato::conv_time");
const conv2d = op("conv2d");
const conv1d = op("conv1d");
const lstm = opMany("lstm.input");
const unfold = op("unfold");
const layerNorm = op("layer_norm");
const embedding = op("embedding");
const transpose = op("transpose.int");
const unsqueeze = op("unsqueeze");
const squeeze = op("squeeze.dim");
const cat = op("cat");
const slice = op("slice.Tensor");
const constantPad = op("constant_pad_nd");
const reflectionPad = op("reflection_pad1d");
const reshape = op("reshape");
const arange = op("arange");
const full = op("full");
const linear = op("linear");
const baddbmm = op("baddbmm");
const gelu = op("gelu");
const sqrt = op("sqrt");
const exp = op("exp");
const log = op("log");
const abs = op("abs");
const sin = op("sin");
const cos = op("cos");
const tanh = op("tanh");
const sigmoid = op("sigmoid");
const relu = op("relu");
const elu = op("elu");

type Binary = (a: TorchTensor, b: TorchTensor | number) => TorchTensor;
const binary =
  (ofTensors: (a: TorchTensor, b: TorchTensor) => TorchTensor, ofNumber: (a: TorchTensor, b: number) => TorchTensor): Binary =>
  (a, b) =>
    typeof b === "number" ? ofNumber(a, b) : ofTensors(a, b);

/** Ops whose constants live on `device`. Differentiable wherever their inputs are. */
export function torchOps(device = "cpu"): Ops<TorchTensor> {
  const sizeAt = (x: TorchTensor, axis: number): number => {
    const size = x.shape.at(axis);
    if (size === undefined) throw new ShapeError(`A tensor of shape [${x.shape}] has no axis ${axis}.`);
    return size;
  };

  const primitives: Primitives<TorchTensor> = {
    constant: (values, shape, dtype = "float32") => fromHost(hostTensor(values, shape, dtype), device),
    cast: (x, dtype) => to(x, dtype),

    add: binary(add, addScalar),
    sub: binary(sub, subScalar),
    mul: binary(mul, mulScalar),
    div: binary(div, divScalar),
    maximum: binary(maximum, clampMin),
    minimum: binary(minimum, clampMax),
    less: binary(lt, ltScalar),
    equal: binary(eq, eqScalar),
    where: (mask, a, b) => where(mask, a, typeof b === "number" ? full([], b, a.dtype, undefined, a.device) : b),

    sqrt: (x) => sqrt(x),
    exp: (x) => exp(x),
    log: (x) => log(x),
    abs: (x) => abs(x),
    sin: (x) => sin(x),
    cos: (x) => cos(x),
    tanh: (x) => tanh(x),
    sigmoid: (x) => sigmoid(x),
    relu: (x) => relu(x),
    gelu: safeGelu,
    elu: (x) => elu(x),

    sum: (x, axis) => sum(x, [axis], true),
    mean: (x, axis) => mean(x, [axis], true),
    max: (x, axis) => amax(x, [axis], true),
    argmin: (x, axis) => to(argmin(x, axis), "int32"),
    argmax: (x, axis) => to(argmax(x, axis), "int32"),
    softmax: (x, axis) => softmax(x, axis),

    matmul: (a, b) => matmul(a, b),
    conv1d: timeConvolution,
    lstm(x, { input, hidden, inputBias, hiddenBias }, state) {
      const [batch, width] = [sizeAt(x, 0), sizeAt(hidden, 1)];
      const zero = () => full([1, batch, width], 0, x.dtype, undefined, x.device);
      const before = state ? [unsqueeze(state.hidden, 0), unsqueeze(state.cell, 0)] : [zero(), zero()];
      const [output, h, c] = lstm(x, before, [input, hidden, inputBias, hiddenBias], true, 1, 0, false, false, true) as TorchTensor[];
      return { output: output!, hidden: squeeze(h!, 0), cell: squeeze(c!, 0) };
    },
    windows: (x, size, hop) => unfold(x, 1, size, hop),
    layerNorm(x, weight, bias, eps) {
      // Under autocast the input may be half and the weights not, which libtorch 1.13 refuses.
      const input = weight !== undefined && x.dtype !== weight.dtype ? to(x, weight.dtype) : x;
      return layerNorm(input, [sizeAt(x, -1)], weight, bias, eps);
    },
    gather: (table, indices) => embedding(table, indices),

    swapAxes: (x, a, b) => transpose(x, a, b),
    unsqueeze: (x, axis) => unsqueeze(x, axis),
    squeeze(x, axis) {
      if (sizeAt(x, axis) !== 1) throw new ShapeError(`squeeze of axis ${axis} of [${x.shape}]: its size is not 1.`);
      return squeeze(x, axis);
    },
    concat: (xs, axis) => cat(xs, axis),
    slice: (x, axis, start, end) => slice(x, axis, start, end),
    matchLength: (x, axis, like) => slice(x, axis, 0, sizeAt(like, axis)),
    pad(x, axis, before, after, mode = "zero") {
      const rank = x.shape.length;
      const trailing = rank - 1 - (axis < 0 ? axis + rank : axis);
      if (mode === "zero") return constantPad(x, [...Array<number>(2 * trailing).fill(0), before, after], 0);
      const last = transpose(x, axis, -1);
      const shape = last.shape;
      const padded = reflectionPad(reshape(last, [1, -1, shape.at(-1)!]), [before, after]);
      return transpose(reshape(padded, [...shape.slice(0, -1), -1]), axis, -1);
    },
    splitHeads(x, heads) {
      const [batch, time, width] = x.shape as [number, number, number];
      if (width % heads !== 0) throw new ShapeError(`A width of ${width} does not split into ${heads} heads.`);
      return transpose(reshape(x, [batch, time, heads, width / heads]), 1, 2);
    },
    mergeHeads(x) {
      const [batch, heads, time, d] = x.shape as [number, number, number, number];
      return reshape(transpose(x, 1, 2), [batch, time, heads * d]);
    },
    lengthMask: (like, axis, lengths) =>
      lt(unsqueeze(arange(sizeAt(like, axis), "int32", undefined, like.device), 0), unsqueeze(lengths, 1)),
    sizeOf: (x, axis) => full([], sizeAt(x, axis), "float32", undefined, x.device),
    fixedSize: sizeAt,
  };
  return { ...primitives, ...torchComposites(primitives) };
}

/** The composites as libtorch's own operators, in the dtype of what comes in. */
function torchComposites(ops: Primitives<TorchTensor>): Composites<TorchTensor> {
  const activate = activateWith(ops);
  return {
    activate,
    linear: (x, weight, bias, activation = "none") => activate(linear(x, weight, bias), activation),
    attention(q, k, v, lengths) {
      return matmul(softmax(attentionScores(ops, q, k, lengths), -1), v);
    },
    convPerRow: (signal, weight, shift, stride) =>
      baddbmm(unsqueeze(shift, 1), unfold(signal, 1, ops.fixedSize(weight, -1), stride), transpose(weight, 1, 2)),
  };
}

/** q·kᵀ / √d, keys past their row's length at minus infinity: [b, h, t, t]. */
export function attentionScores(
  ops: Primitives<TorchTensor>,
  q: TorchTensor,
  k: TorchTensor,
  lengths: TorchTensor | undefined,
): TorchTensor {
  const scores = matmul(mulScalar(q, 1 / Math.sqrt(ops.fixedSize(q, -1))), transpose(k, -1, -2));
  if (lengths === undefined) return scores;
  const valid = unsqueeze(unsqueeze(ops.lengthMask(k, 2, lengths), 1), 1); // [b, 1, 1, t]
  return ops.where(valid, scores, Number.NEGATIVE_INFINITY);
}

/** Exact gelu, flat. libtorch 1.13's oneDNN kernel silently computes a wrong gradient where the incoming gradient is strided, as it is
 *  behind a transposed convolution; reshaping it to the flat output makes it dense. Views: no cost in the forward. */
export function safeGelu(x: TorchTensor): TorchTensor {
  return reshape(gelu(reshape(x, [-1])), x.shape);
}

/** conv1d on [batch, time, channels]. As [batch, channels, 1, time] the same memory is libtorch's channels-last layout, so that no
 *  tensor is turned round on its way in or out. The plain kind has our own weight gradient (native/src/convolution.cc). */
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
