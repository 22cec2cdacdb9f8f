// Inference in a half dtype: products and convolutions in bfloat16 or float16, with weights packed where oneDNN offers it.
import { defaultComposites } from "../../ops/composites.ts";
import type { Activation, ConvOptions, Ops } from "../../ops/ops.ts";
import { op } from "./call.ts";
import type { Features } from "./features.ts";
import { timeConvolution } from "./primitives.ts";
import type { TorchTensor } from "./tensor.ts";
import type { WeightForms } from "./weight-forms.ts";

export type HalfDType = "bfloat16" | "float16";

const to = op("to.dtype");
const linear = op("linear");
const transpose = op("transpose.int");
const unsqueeze = op("unsqueeze");
const squeeze = op("squeeze.dim");
const reshape = op("reshape");
const contiguous = op("contiguous");
const asStrided = op("as_strided");
const reorderLinear = op("mkldnn::_reorder_linear_weight");
const linearPointwise = op("mkldnn::_linear_pointwise");
const reorderConvolution = op("mkldnn::_reorder_convolution_weight");
const convolutionPointwise = op("mkldnn::_convolution_pointwise");

/** A half dtype with the conversions into it. */
interface Half {
  readonly dtype: HalfDType;
  /** The tensor in the half dtype. */
  of(x: TorchTensor): TorchTensor;
  /** As `of`, converted once for each session. */
  ofWeight(weight: TorchTensor): TorchTensor;
}

/** `float`, with its products, convolutions and recurrent layers in a half dtype. */
export function halfOps(
  float: Ops<TorchTensor>,
  dtype: HalfDType,
  device: string,
  available: Features,
  forms: WeightForms,
): Ops<TorchTensor> {
  const of = (x: TorchTensor) => (x.dtype === dtype ? x : to(x, dtype));
  const ofWeight = (weight: TorchTensor) => (weight.dtype === dtype ? weight : forms.of(weight, "half", () => to(weight, dtype)));
  const half: Half = { dtype, of, ofWeight };
  const activate = halfActivate(float);
  return {
    ...float,
    ...mixedArithmetic(float, half),
    activate,
    // Once for each session: 5 % of a pass over a second of audio. In float32 it is too little to measure, and would cost memory.
    weightNorm: (v, g) => forms.of(v, "weight norm", () => of(defaultComposites(float).weightNorm(v, g))),
    linear: available.packedLinear ? packedLinear(activate, half, forms) : plainLinear(activate, half),
    conv1d: halfConvolution(half, device, available, forms),
    attention: (q, k, v, lengths) => float.attention(of(q), of(k), of(v), lengths),
    layerNorm: (x, weight, bias, eps) =>
      x.dtype === dtype
        ? float.layerNorm(x, weight && ofWeight(weight), bias && ofWeight(bias), eps)
        : float.layerNorm(x, weight, bias, eps),
    lstm: (x, { input, hidden, inputBias, hiddenBias }, state) =>
      float.lstm(
        of(x),
        { input: ofWeight(input), hidden: ofWeight(hidden), inputBias: ofWeight(inputBias), hiddenBias: ofWeight(hiddenBias) },
        state && { hidden: of(state.hidden), cell: of(state.cell) },
      ),
    // The raw signal stays float32: in bfloat16 its samples halve the accuracy of the whole model.
    convPerRow: (signal, weight, shift, stride) => of(float.convPerRow(signal, weight, shift, stride)),
  };
}

/** Arithmetic between the half dtype and float32. libtorch would promote to float32, and so everything that follows. */
function mixedArithmetic(float: Ops<TorchTensor>, { dtype, of }: Half) {
  const inHalf =
    (operator: "sub" | "mul" | "div"): Ops<TorchTensor>["sub"] =>
    (a, b) => {
      if (typeof b === "number") return float[operator](a, b);
      const [left, right] = [a.dtype, b.dtype];
      if (left === dtype && right === "float32") return float[operator](a, of(b));
      if (right === dtype && left === "float32") return float[operator](of(a), b);
      return float[operator](a, b);
    };
  const isHalf = (x: TorchTensor | number) => typeof x !== "number" && x.dtype === dtype;
  return {
    // The residual sum that runs through all layers stays float32: rounding it at each layer would cost more accuracy than all products do.
    add: (a, b) => (isHalf(a) && isHalf(b) ? float.add(to(a, "float32"), b) : float.add(a, b)),
    sub: inHalf("sub"),
    mul: inHalf("mul"),
    div: inHalf("div"),
    where: (mask, a, b) => float.where(mask, isHalf(b) ? of(a) : a, b),
    concat: (xs, axis) => float.concat(xs.some(isHalf) ? xs.map(of) : xs, axis),
  } satisfies Partial<Ops<TorchTensor>>;
}

type Activate = Ops<TorchTensor>["activate"];

/** Activations that one operator computes, in the dtype of its input. */
function isOperator(activation: Activation): activation is "gelu" | "relu" | "tanh" {
  return activation === "gelu" || activation === "relu" || activation === "tanh";
}

/** Activations of several operators are computed in float32, since each operator would round to the half dtype. */
function halfActivate(float: Ops<TorchTensor>): Activate {
  return (x, activation) => {
    if (activation === "none" || isOperator(activation) || x.dtype === "float32") return float.activate(x, activation);
    return to(float.activate(to(x, "float32"), activation), x.dtype);
  };
}

function plainLinear(activate: Activate, half: Half): Ops<TorchTensor>["linear"] {
  return (x, weight, bias, activation = "none") =>
    activate(linear(half.of(x), half.ofWeight(weight), bias && half.ofWeight(bias)), activation);
}

/** A linear layer by oneDNN, the weight in its own layout and the activation fused. */
function packedLinear(activate: Activate, half: Half, forms: WeightForms): Ops<TorchTensor>["linear"] {
  return (x, weight, bias, activation = "none") => {
    const packed = forms.of(weight, "linear", () => reorderLinear(half.of(weight)));
    const fused = isOperator(activation) ? activation : "none";
    const y = linearPointwise(half.of(x), packed, bias && half.ofWeight(bias), fused, [], fused === "gelu" ? "none" : "");
    return fused === activation ? y : activate(y, activation);
  };
}

/** conv1d in the half dtype, by the fastest way there is: packed by oneDNN; as one product of gathered windows; as libtorch has it. */
function halfConvolution(half: Half, device: string, available: Features, forms: WeightForms): Ops<TorchTensor>["conv1d"] {
  return (x, weight, bias, options = {}) => {
    const { groups = 1, padding = 0, dilation = 1 } = options;
    if (weight.shape[1] === 1) return timeConvolution(x, weight, bias, options); // a raw signal: cheap, and its range needs float32
    const [h, b] = [half.of(x), bias && half.ofWeight(bias)];
    if (available.packedConvolution && groups === 1) return packedConvolution(h, weight, b, options, half, forms);
    const windowed = device === "cpu" && groups === 1 && padding === 0 && dilation === 1;
    if (windowed) return convolutionByProduct(h, weight, b, options.stride ?? 1, half, forms);
    return timeConvolution(h, half.ofWeight(weight), b, options);
  };
}

function packedConvolution(
  x: TorchTensor,
  weight: TorchTensor,
  bias: TorchTensor | undefined,
  { stride = 1, padding = 0, dilation = 1 }: ConvOptions,
  half: Half,
  forms: WeightForms,
): TorchTensor {
  const paddings = [0, padding];
  const strides = [1, stride];
  const dilations = [1, dilation];
  const packed = forms.of(weight, `conv ${stride} ${padding} ${dilation}`, () =>
    reorderConvolution(unsqueeze(half.of(weight), 2), paddings, strides, dilations, 1),
  );
  const image = unsqueeze(transpose(x, 1, 2), 2); // [b, c, 1, t], channels last in memory
  const y = convolutionPointwise(image, packed, bias, paddings, strides, dilations, 1, "none", [], "");
  return transpose(squeeze(y, 2), 1, 2);
}

/** A convolution without padding as one product: windows [batch, frames, kernel · channels] times the weight. */
function convolutionByProduct(
  x: TorchTensor,
  weight: TorchTensor,
  bias: TorchTensor | undefined,
  stride: number,
  half: Half,
  forms: WeightForms,
): TorchTensor {
  const [out, channels, kernel] = weight.shape as [number, number, number];
  const matrix = forms.of(weight, "matrix", () => reshape(contiguous(transpose(half.of(weight), 1, 2)), [out, kernel * channels]));
  const [batch, time] = x.shape as [number, number];
  const frames = Math.floor((time - kernel) / stride) + 1;
  const windows = asStrided(contiguous(x), [batch, frames, kernel * channels], [time * channels, stride * channels, 1]);
  return linear(contiguous(windows), matrix, bias);
}
