// Ops on libtorch: the primitives, and the composites as libtorch's own operators.
import { activateWith, defaultComposites } from "../../ops/composites.ts";
import type { Composites, Ops, Primitives } from "../../ops/ops.ts";
import { op } from "./call.ts";
import { torchPrimitives } from "./primitives.ts";
import type { TorchTensor } from "./tensor.ts";

const matmul = op("matmul");
const mulScalar = op("mul.Scalar");
const softmax = op("softmax.int");
const transpose = op("transpose.int");
const unsqueeze = op("unsqueeze");
const unfold = op("unfold");
const linear = op("linear");
const baddbmm = op("baddbmm");

/** Ops whose constants lie on `device`. Differentiable wherever libtorch's operators are. */
export function torchOps(device = "cpu"): Ops<TorchTensor> {
  const primitives = torchPrimitives(device);
  return { ...primitives, ...torchComposites(primitives) };
}

/** The composites, in the dtype of their inputs. */
function torchComposites(ops: Primitives<TorchTensor>): Composites<TorchTensor> {
  const activate = activateWith(ops);
  return {
    activate,
    weightNorm: defaultComposites(ops).weightNorm,
    linear: (x, weight, bias, activation = "none") => activate(linear(x, weight, bias), activation),
    attention: (q, k, v, lengths) => matmul(softmax(attentionScores(ops, q, k, lengths), -1), v),
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
