// Fast inference: the composites and convolutions of `Ops` in a half dtype, with what this libtorch has: packed weights with the activation
// fused into oneDNN's product, fused attention, channels-last convolutions. Found by schema, never by version.
import { activateWith } from "../../ops/composites.ts";
import type { Activation, Ops } from "../../ops/ops.ts";
import { addon } from "./addon.ts";
import { hasOperator, op } from "./call.ts";
import { timeConvolution, torchOps } from "./ops.ts";
import { isKept, keep, type TorchTensor, tidy } from "./tensor.ts";

export type HalfDType = "bfloat16" | "float16";

const to = op("to.dtype");
const reorderLinear = op("mkldnn::_reorder_linear_weight");
const linearPointwise = op("mkldnn::_linear_pointwise");
const reorderConvolution = op("mkldnn::_reorder_convolution_weight");
const convolutionPointwise = op("mkldnn::_convolution_pointwise");
const fusedAttention = op("scaled_dot_product_attention");
const linear = op("linear");
const unsqueeze = op("unsqueeze");
const squeeze = op("squeeze.dim");
const transpose = op("transpose.int");
const reshape = op("reshape");
const asStrided = op("as_strided");
const contiguous = op("contiguous");
const gelu = op("gelu");

/** What a libtorch offers to inference on a device. */
export interface Features {
  readonly packedLinear: boolean;
  readonly packedConvolution: boolean;
  readonly fusedAttention: boolean;
}

export function features(device: string): Features {
  const cpu = device === "cpu";
  return {
    packedLinear: cpu && hasOperator("mkldnn::_linear_pointwise") && hasOperator("mkldnn::_reorder_linear_weight"),
    packedConvolution: cpu && hasOperator("mkldnn::_convolution_pointwise") && hasOperator("mkldnn::_reorder_convolution_weight"),
    fusedAttention: hasOperator("scaled_dot_product_attention"),
  };
}

export interface Lowered {
  readonly ops: Ops<TorchTensor>;
  /** Frees the packed forms of the weights. */
  dispose(): void;
}

/** Ops for inference on `device`. In a half dtype, products and convolutions run in it and weights are packed at their first use;
 *  what is narrow or wants precision (the raw signal's convolution, statistics, float64) stays as the model writes it. */
export function inferenceOps(device: string, dtype: "float32" | HalfDType): Lowered {
  const plain = torchOps(device);
  const found = features(device);
  const packs = new WeakMap<TorchTensor, Map<string, TorchTensor>>();
  const held: TorchTensor[] = [];

  /** A derived form of a weight, made once; of one that this run has computed (under weight norm, say), made for this run. */
  const packed = (weight: TorchTensor, form: string, make: () => TorchTensor): TorchTensor => {
    if (!isKept(weight)) return make();
    const forms = packs.get(weight) ?? new Map<string, TorchTensor>();
    packs.set(weight, forms);
    let ready = forms.get(form);
    if (!ready) {
      ready = keep(tidy(make));
      forms.set(form, ready);
      held.push(ready);
    }
    return ready;
  };
  const half = (x: TorchTensor): TorchTensor => (x.dtype === dtype ? x : to(x, dtype));
  const halfOf = (weight: TorchTensor) => (weight.dtype === dtype ? weight : packed(weight, "half", () => to(weight, dtype)));

  const attention: Ops<TorchTensor>["attention"] = (q, k, v, lengths) => {
    if (!found.fusedAttention) return attentionInBlocks(plain, q, k, v, lengths);
    const mask = lengths && unsqueeze(unsqueeze(plain.lengthMask(k, 2, lengths), 1), 1); // [b, 1, 1, t]
    return fusedAttention(q, k, v, mask);
  };
  const common: Ops<TorchTensor> = { ...plain, gelu: (x) => gelu(x), attention };
  const direct = activateWith(common);
  const isOperator = (activation: Activation): activation is "gelu" | "relu" | "tanh" =>
    activation === "gelu" || activation === "relu" || activation === "tanh";
  /** Activations of several operators are computed in float32, since each operator would round to the half dtype. */
  const activate = (x: TorchTensor, activation: Activation) => {
    if (activation === "none" || isOperator(activation) || x.dtype === "float32") return direct(x, activation);
    return to(direct(to(x, "float32"), activation), x.dtype);
  };
  const dispose = () => addon().dispose(held.splice(0).map((tensor) => tensor.handle));
  if (dtype === "float32") {
    const ops: Ops<TorchTensor> = { ...common, activate, linear: (x, w, b, activation = "none") => activate(linear(x, w, b), activation) };
    return { ops, dispose };
  }

  const mixed =
    (word: "sub" | "mul" | "div"): Ops<TorchTensor>["sub"] =>
    (a, b) => {
      if (typeof b === "number") return plain[word](a, b);
      const [one, other] = [a.dtype, b.dtype];
      if (one === other) return plain[word](a, b);
      if (one === dtype && other === "float32") return plain[word](a, half(b)); // promotion would widen all that follows
      if (other === dtype && one === "float32") return plain[word](half(a), b);
      return plain[word](a, b);
    };

  const ops: Ops<TorchTensor> = {
    ...common,
    // The sum that runs through all layers keeps float32: rounding it at each layer would cost more than all products together.
    add: (a, b) => (typeof b !== "number" && a.dtype === dtype && b.dtype === dtype ? plain.add(to(a, "float32"), b) : plain.add(a, b)),
    sub: mixed("sub"),
    mul: mixed("mul"),
    div: mixed("div"),
    where: (mask, a, b) => plain.where(mask, typeof b !== "number" && b.dtype === dtype ? half(a) : a, b),
    concat: (xs, axis) => plain.concat(xs.some((x) => x.dtype === dtype) ? xs.map(half) : xs, axis),
    activate,
    layerNorm: (x, weight, bias, eps) =>
      x.dtype === dtype ? plain.layerNorm(x, weight && halfOf(weight), bias && halfOf(bias), eps) : plain.layerNorm(x, weight, bias, eps),
    linear(x, weight, bias, activation = "none") {
      const b = bias && halfOf(bias);
      if (!found.packedLinear) return activate(linear(half(x), halfOf(weight), b), activation);
      const w = packed(weight, "linear", () => reorderLinear(to(weight, dtype)));
      if (activation !== "none" && !isOperator(activation)) return activate(linearPointwise(half(x), w, b, "none", [], ""), activation);
      return linearPointwise(half(x), w, b, activation, [], activation === "gelu" ? "none" : "");
    },
    attention: (q, k, v, lengths) => attention(half(q), half(k), half(v), lengths),
    conv1d(x, weight, bias, options = {}) {
      const { stride = 1, padding = 0, groups = 1, dilation = 1 } = options;
      const [out, inputs, kernel] = weight.shape as [number, number, number];
      if (inputs === 1) return timeConvolution(x, weight, bias, options); // a raw signal: little work, and its range wants float32
      const h = half(x);
      const b = bias && halfOf(bias);
      if (found.packedConvolution && groups === 1) {
        const w = packed(weight, `conv ${stride} ${padding} ${dilation}`, () =>
          reorderConvolution(unsqueeze(to(weight, dtype), 2), [0, padding], [1, stride], [1, dilation], groups),
        );
        const y = convolutionPointwise(
          unsqueeze(transpose(h, 1, 2), 2),
          w,
          b,
          [0, padding],
          [1, stride],
          [1, dilation],
          groups,
          "none",
          [],
          "",
        );
        return transpose(squeeze(y, 2), 1, 2);
      }
      if (device === "cpu" && groups === 1 && padding === 0 && dilation === 1) {
        const w = packed(weight, "columns", () => reshape(contiguous(transpose(to(weight, dtype), 1, 2)), [out, kernel * inputs]));
        return linear(columns(contiguous(h), kernel, stride), w, b);
      }
      return timeConvolution(h, halfOf(weight), b, options);
    },
    lstm: (x, { input, hidden, inputBias, hiddenBias }, state) =>
      plain.lstm(
        half(x),
        { input: halfOf(input), hidden: halfOf(hidden), inputBias: halfOf(inputBias), hiddenBias: halfOf(hiddenBias) },
        state && { hidden: half(state.hidden), cell: half(state.cell) },
      ),
    convPerRow: (signal, weight, shift, stride) => half(plain.convPerRow(signal, weight, shift, stride)), // bf16 samples halve the whole model's accuracy
  };
  return { ops, dispose };
}

/** Attention some queries at a time, for a libtorch that has no fused kernel: the scores of long audio never stand in memory whole. */
export function attentionInBlocks(
  plain: Ops<TorchTensor>,
  q: TorchTensor,
  k: TorchTensor,
  v: TorchTensor,
  lengths?: TorchTensor,
  queries = 1024,
): TorchTensor {
  const time = q.shape[2]!;
  if (time <= queries) return plain.attention(q, k, v, lengths);
  const block = (start: number) => tidy(() => plain.attention(plain.slice(q, 2, start, Math.min(time, start + queries)), k, v, lengths));
  const blocks = Array.from({ length: Math.ceil(time / queries) }, (_, i) => block(i * queries));
  return plain.concat(blocks, 2);
}

/** Windows of whole frames side by side, [batch, frames, kernel · channels]: a convolution becomes one product. */
function columns(x: TorchTensor, kernel: number, stride: number): TorchTensor {
  const [batch, time, channels] = x.shape as [number, number, number];
  const frames = Math.floor((time - kernel) / stride) + 1;
  return contiguous(asStrided(x, [batch, frames, kernel * channels], [time * channels, stride * channels, 1]));
}
