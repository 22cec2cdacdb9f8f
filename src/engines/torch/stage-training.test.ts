// Stage-wise training on libtorch: the chain cut at every edge gives the gradients of one whole graph.
import { beforeAll, describe, expect, test } from "vitest";
import { goldenArray } from "../../../test/fixtures/golden.ts";
import { openGoldenModel } from "../../../test/fixtures/golden-models.ts";
import { torchMissing } from "../../../test/fixtures/torch.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import { seeded } from "../../base/random.ts";
import { scaledError } from "../../ops/conformance.ts";
import { paramsFrom } from "../../ops/params.ts";
import { type Context, runChain, type Stage, type Training } from "../../ops/stage.ts";
import { forwardChain } from "../../ops/stage-training.ts";
import { op } from "./call.ts";
import { torchOps } from "./ops.ts";
import { memory, openTorch } from "./runtime.ts";
import { keep, type TorchTensor, tidy, toFloats } from "./tensor.ts";
import { torchTraining } from "./training.ts";

const ops = torchOps();
const training = torchTraining(ops);
const sum = op("sum");

/** A stage whose output goes through dropout, so that recomputation must draw the same numbers again. */
const withDropout = (stage: Stage): Stage => ({
  ...stage,
  run: (cx, params, x) => cx.train!.ops.dropout(stage.run(cx, params, x), 0.1),
});

async function example() {
  const { model, weights, close } = await openGoldenModel("mert_95m_24k");
  const leaves = new Map<string, TorchTensor>();
  for (const stage of model.stages) {
    for (const name of Object.keys(stage.params)) leaves.set(name, keep(training.leaf(training.fromHost(await weights.read(name)))));
  }
  await close();
  const input = goldenArray("A_models/mert_95m_24k/cases/single_exact/input.npy");
  const train: Training<TorchTensor> = {
    ops: training,
    dropout: { residual: 0, attention: 0, activation: 0, input: 0 },
    featureGradient: 1,
  };
  const cx: Context<TorchTensor> = { ops, train };
  const x = keep(training.fromHost(hostTensor(input.data, input.shape)));
  return { stages: model.stages.map(withDropout), leaves, params: paramsFrom((name) => leaves.get(name)!), cx, x };
}

/** A loss on the chain's end and on the convolutions in its midst. */
function loss(output: TorchTensor, features: TorchTensor): TorchTensor {
  const rng = seeded(9);
  const shape = output.shape;
  const seed = ops.constant(
    Float32Array.from({ length: shape[0]! * shape[1]! * shape[2]! }, () => rng() - 0.5),
    shape,
  );
  return ops.add(sum(ops.mul(output, seed)), ops.mul(sum(ops.mul(features, features)), 0.01));
}

describe("stage by stage", { skip: torchMissing !== undefined }, () => {
  beforeAll(async () => void (await openTorch({ device: "cpu", threads: 1 })));

  test.each([
    ["kept", () => false],
    ["computed again", () => true],
    ["computed again in every second stage", (stage: Stage) => /[02468]$/.test(stage.name)],
  ] as const)("gradients equal one graph's to 1e-6, inner activations %s", async (_, recompute) => {
    const { stages, leaves, params, cx, x } = await example();
    const names = [...leaves.keys()];
    const whole = tidy(() => {
      training.seed(4);
      let features: TorchTensor | undefined;
      const tap = (name: string, value: TorchTensor) => {
        if (name === "conv_features") features = value;
      };
      const output = runChain(stages, { ...cx, tap }, params, x);
      const found = training.gradients([loss(output, features!)], [undefined], [...leaves.values()]);
      return new Map(names.map((name, i) => [name, found[i] && toFloats(found[i])]));
    });
    const visited: string[] = [];
    tidy(() => {
      training.seed(4);
      const run = forwardChain(training, stages, cx, params, x, { recompute, taps: ["conv_features"] });
      const value = loss(run.output, run.taps.conv_features!);
      const [seed, tapSeed] = training.gradients([value], [undefined], [run.output, run.taps.conv_features!]);
      const visit = (stage: Stage, gradients: Readonly<Record<string, TorchTensor>>) => {
        visited.push(stage.name);
        for (const name of Object.keys(stage.params)) {
          const right = whole.get(name);
          if (right === undefined) expect(gradients[name], name).toBeUndefined();
          else expect(scaledError(toFloats(gradients[name]!), right), name).toBeLessThan(1e-6);
        }
      };
      run.backward(seed, visit, { conv_features: tapSeed });
    });
    expect(visited).toEqual(stages.map((stage) => stage.name).reverse());
    training.dispose([...leaves.values(), x]);
  });

  test("a step leaves no tensor behind", async () => {
    const { stages, leaves, params, cx, x } = await example();
    const step = (recompute: boolean) =>
      tidy(() => {
        const run = forwardChain(training, stages, cx, params, x, { recompute: () => recompute });
        const [seed] = training.gradients([sum(run.output)], [undefined], [run.output]);
        run.backward(seed, () => {});
      });
    const before = memory().tensors;
    for (const recompute of [false, true, false]) step(recompute);
    expect(memory().tensors).toBe(before);
    training.dispose([...leaves.values(), x]);
  });

  test("a tap that no stage gives is refused by name", async () => {
    const { stages, params, cx, x, leaves } = await example();
    expect(() => tidy(() => void forwardChain(training, stages, cx, params, x, { taps: ["conv_feature"] }))).toThrow(
      "No stage taps conv_feature",
    );
    training.dispose([...leaves.values(), x]);
  });
});
