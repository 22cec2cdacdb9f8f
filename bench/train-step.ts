// A training step of a published shape on libtorch, stage by stage. `bench/step.ts` and `checks/device.ts` time it.

import { type ShapeName, shapes } from "../measure/shapes.ts";
import { type HostTensor, hostTensor } from "../src/base/host-tensor.ts";
import { fillGaussian, seeded } from "../src/base/random.ts";
import { randomWeights } from "../src/checkpoint/random.ts";
import { op } from "../src/engines/torch/call.ts";
import { torchOps } from "../src/engines/torch/ops.ts";
import { autocast, openTorch, synchronize } from "../src/engines/torch/runtime.ts";
import { keep, type TorchTensor, tidy, toNumber } from "../src/engines/torch/tensor.ts";
import { torchTraining } from "../src/engines/torch/training.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { modelParams } from "../src/models/model.ts";
import { paramsFrom } from "../src/ops/params.ts";
import { forwardChain } from "../src/ops/stage-training.ts";

export interface StepOptions {
  readonly shape: ShapeName;
  readonly device: string;
  readonly dtype: "float32" | "bfloat16";
  readonly seconds: number;
  readonly batch: number;
  readonly threads: number;
  readonly recompute?: boolean;
}

/** Does one step and returns its loss; `dispose` frees the weights. */
export interface TrainStep {
  (): number;
  dispose(): void;
}

/** A function that does one step: forward, mean of squares, stage-wise backward, Adam. */
export async function trainStep({ shape, device, dtype, seconds, batch, threads, recompute = false }: StepOptions): Promise<TrainStep> {
  await openTorch({ device, threads });
  const { model } = architectureFromHf(shapes[shape]);
  const ops = torchOps(device);
  const training = torchTraining(ops, device);
  const weights = randomWeights(model, 1);
  const leaves = new Map<string, TorchTensor>();
  for (const name of Object.keys(modelParams(model))) {
    const value = await weights.read(name);
    leaves.set(name, keep(tidy(() => training.leaf(training.fromHost(value)))));
  }
  const params = [...leaves.values()];
  const zeros = () => params.map((param) => keep(tidy(() => ops.mul(training.detach(param), 0))));
  const [means, squares] = [zeros(), zeros()];
  const wave = fillGaussian(seeded(2), new Float32Array(batch * seconds * model.sampleRateHz), 0.1);
  const x: HostTensor = hostTensor(wave, [batch, seconds * model.sampleRateHz]);
  const square = op("pow.Tensor_Scalar");
  const mean = op("mean");
  let count = 0;
  const oneStep = (): number => {
    const cx = { ops, train: { ops: training, dropout: { residual: 0, attention: 0, activation: 0, input: 0 }, featureGradient: 1 } };
    const run = forwardChain(
      training,
      model.stages,
      cx,
      paramsFrom((name) => leaves.get(name)!),
      training.fromHost(x),
      {
        recompute: () => recompute,
      },
    );
    const loss = mean(square(ops.cast(run.output, "float32"), 2));
    const [seed] = training.gradients([loss], [undefined], [run.output]);
    const found = new Map<string, TorchTensor>();
    run.backward(seed, (_, gradients) => {
      for (const [name, gradient] of Object.entries(gradients)) found.set(name, keep(gradient));
    });
    const names = [...leaves.keys()].filter((name) => found.has(name));
    const pick = (list: readonly TorchTensor[]) => list.filter((_, i) => found.has([...leaves.keys()][i]!));
    training.update.adam(
      { params: pick(params), gradients: names.map((name) => found.get(name)!), means: pick(means), squares: pick(squares) },
      { step: ++count, rate: 1e-5, beta1: 0.9, beta2: 0.98, eps: 1e-6, decay: 0.01 },
    );
    training.dispose(found.values());
    return toNumber(loss);
  };
  const step = () => {
    const value = tidy(() => (dtype === "float32" ? oneStep() : autocast(device, dtype, oneStep)));
    synchronize(device);
    return value;
  };
  return Object.assign(step, { dispose: () => training.dispose([...params, ...means, ...squares]) });
}
