// Inference on libtorch: the fastest implementation of each operator of `Ops` that this libtorch has for a device and dtype.
import { activateWith } from "../../ops/composites.ts";
import type { Ops } from "../../ops/ops.ts";
import { op } from "./call.ts";
import { type Features, features } from "./features.ts";
import { type HalfDType, halfOps } from "./half.ts";
import { torchOps } from "./ops.ts";
import { type TorchTensor, tidy } from "./tensor.ts";
import { weightForms } from "./weight-forms.ts";

const gelu = op("gelu");
const linear = op("linear");
const unsqueeze = op("unsqueeze");
const fusedAttention = op("scaled_dot_product_attention");

export interface InferenceOps {
  readonly ops: Ops<TorchTensor>;
  /** Frees the derived forms of the weights. */
  dispose(): void;
}

/** Ops for inference on `device`. In a half dtype, products and convolutions run in it, with weights converted and packed at their first
 *  use; the convolution of the raw signal, statistics and float64 keep the precision that the model writes. */
export function inferenceOps(device: string, dtype: "float32" | HalfDType): InferenceOps {
  const available = features(device);
  const forms = weightForms();
  const plain = torchOps(device);
  const float: Ops<TorchTensor> = { ...plain, gelu: (x) => gelu(x), attention: attentionFor(plain, available) };
  float.activate = activateWith(float);
  float.linear = (x, weight, bias, activation = "none") => float.activate(linear(x, weight, bias), activation);
  const ops = dtype === "float32" ? float : halfOps(float, dtype, device, available, forms);
  return { ops, dispose: forms.dispose };
}

function attentionFor(plain: Ops<TorchTensor>, available: Features): Ops<TorchTensor>["attention"] {
  if (!available.fusedAttention) return (q, k, v, lengths) => attentionInBlocks(plain, q, k, v, lengths);
  return (q, k, v, lengths) => {
    const mask = lengths && unsqueeze(unsqueeze(plain.lengthMask(k, 2, lengths), 1), 1); // [b, 1, 1, t]
    return fusedAttention(q, k, v, mask);
  };
}

/** Attention for at most `queries` queries at a time, for a libtorch without a fused kernel: the scores of long audio never stand in
 *  memory whole. */
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
