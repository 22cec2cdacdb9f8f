// TrainingOps on libtorch: autograd, dropout, and in-place updates of lists of tensors.
import type { Ops } from "../../ops/ops.ts";
import type { AdamStep, AdamTensors, TrainingOps, Updates } from "../../ops/training-ops.ts";
import { addon } from "./addon.ts";
import { effect, hasOperator, op, opMany } from "./call.ts";
import { attentionScores } from "./ops.ts";
import { noGrad } from "./runtime.ts";
import { fromHost, hostDtype, keep, TorchTensor, tidy, toHost, writeHost } from "./tensor.ts";

const dropout = op("dropout");
const softmax = op("softmax.int");
const matmul = op("matmul");
const detach = op("detach");
const add = op("add.Tensor");
const sub = op("sub.Tensor");
const mulScalar = op("mul.Scalar");

/** TrainingOps on `device`; `ops` must be of the same device. */
export function torchTraining(ops: Ops<TorchTensor>, device = "cpu"): TrainingOps<TorchTensor> {
  return {
    fromHost: (values) => fromHost(values, device),
    toHost: (x) => toHost(x, hostDtype(x.dtype)),
    write: writeHost,

    leaf(x) {
      const leaf = detach(x);
      addon().setRequiresGrad(leaf.handle, true);
      return leaf;
    },
    detach,
    noGrad,
    gradients: torchGradients,
    scaleGradient: (x, factor) => {
      if (factor === 1) return x;
      const constant = detach(x);
      return add(constant, mulScalar(sub(x, constant), factor)); // x + factor · 0: the value is exactly x
    },

    dropout: (x, probability) => (probability === 0 ? x : dropout(x, probability, true)),
    attention(q, k, v, lengths, probability) {
      if (probability === 0) return ops.attention(q, k, v, lengths);
      return matmul(dropout(softmax(attentionScores(ops, q, k, lengths), -1), probability, true), v);
    },
    seed: (seed) => addon().seed(device, seed),
    randomState: () => new TorchTensor(addon().randomState(device)),
    setRandomState: (state) => addon().setRandomState(device, state.handle),

    tidy,
    keep,
    dispose: (xs) => addon().dispose(Array.from(xs, (x) => x.handle)),
    update: torchUpdates(device),
  };
}

/** `TrainingOps.gradients` by torch.autograd.grad, which refuses inputs that do not require a gradient: those get undefined. */
export function torchGradients(
  outputs: readonly TorchTensor[],
  seeds: readonly (TorchTensor | undefined)[],
  inputs: readonly TorchTensor[],
): (TorchTensor | undefined)[] {
  const requiring = inputs.filter((x) => addon().requiresGrad(x.handle));
  const handles = addon().gradients(
    outputs.map((x) => x.handle),
    seeds.map((x) => x?.handle ?? null),
    requiring.map((x) => x.handle),
  );
  const gradients = new Map(requiring.map((x, i) => [x, handles[i]]));
  return inputs.map((x) => {
    const handle = gradients.get(x);
    return handle ? new TorchTensor(handle) : undefined;
  });
}

const eachMul = effect("_foreach_mul_.Scalar");
const mulInPlace = effect("mul_.Tensor");
const eachAdd = effect("_foreach_add_.List");
const copyInPlace = effect("copy_");
const lerpInPlace = effect("lerp_.Scalar");
const eachNorm = opMany("_foreach_norm.Scalar");
const stack = op("stack");
const vectorNorm = op("linalg_vector_norm");
const eachAddcmul = effect("_foreach_addcmul_.Scalar");
const eachAddcdiv = effect("_foreach_addcdiv_.Scalar");
const eachSqrt = opMany("_foreach_sqrt");
const eachAddScalar = effect("_foreach_add_.Scalar");
const fusedAdamW = effect("_fused_adamw_");
const full = op("full");

function torchUpdates(device: string): Updates<TorchTensor> {
  const unrecorded = <R>(work: () => R) => noGrad(() => tidy(work));
  return {
    scale: (xs, factor) =>
      unrecorded(() => {
        if (typeof factor === "number") eachMul(xs, factor);
        else for (const x of xs) mulInPlace(x, factor);
      }),
    add: (xs, ys, factor = 1) => unrecorded(() => eachAdd(xs, ys, factor)),
    average: (xs, ys, weight) =>
      unrecorded(() => {
        xs.forEach((x, i) => {
          lerpInPlace(x, ys[i]!, weight);
        });
      }),
    copy: (xs, ys) =>
      unrecorded(() => {
        xs.forEach((x, i) => {
          copyInPlace(x, ys[i]!);
        });
      }),
    norm: (xs) => unrecorded(() => vectorNorm(stack(eachNorm(xs, 2)))),
    adam: (tensors, step) => unrecorded(() => (hasOperator("_fused_adamw_", device) ? adamFused : adamForeach)(tensors, step)),
  };
}

/** √(1 − β₂ⁿ): the bias correction of the mean square's root. */
const rootCorrection = ({ step, beta2 }: AdamStep) => Math.sqrt(1 - beta2 ** step);

function adamForeach({ params, gradients, means, squares }: AdamTensors<TorchTensor>, step: AdamStep): void {
  const { beta1, beta2, eps, decay, rate } = step;
  if (decay !== 0) eachMul(params, 1 - rate * decay);
  eachMul(means, beta1);
  eachAdd(means, gradients, 1 - beta1);
  eachMul(squares, beta2);
  eachAddcmul(squares, gradients, gradients, 1 - beta2);
  const denominators = eachSqrt(squares);
  eachAddScalar(denominators, eps);
  const size = (rate * rootCorrection(step)) / (1 - beta1 ** step.step);
  eachAddcdiv(params, means, denominators, -size);
}

/** torch's fused kernel divides by √square / root + eps', where root is the bias correction: with eps' = eps / root that is fairseq's Adam. */
function adamFused({ params, gradients, means, squares }: AdamTensors<TorchTensor>, step: AdamStep): void {
  const device = params[0]?.device;
  if (device === undefined) return;
  const count = full([], step.step, "float32", undefined, device);
  const steps = params.map(() => count);
  fusedAdamW(
    params,
    gradients,
    means,
    squares,
    [],
    steps,
    step.rate,
    step.beta1,
    step.beta2,
    step.decay,
    step.eps / rootCorrection(step),
    false,
    false,
  );
}
