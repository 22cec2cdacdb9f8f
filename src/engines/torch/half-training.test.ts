// Gradients under bfloat16 autocast, beside those of float32, for each norm of the feature extractor.
import { beforeAll, describe, expect, test } from "vitest";
import { goldenArray } from "../../../test/fixtures/golden.ts";
import { openGoldenModel } from "../../../test/fixtures/golden-models.ts";
import { torchMissing } from "../../../test/fixtures/torch.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import { modelParams } from "../../models/model.ts";
import { paramsFrom } from "../../ops/params.ts";
import { runChain } from "../../ops/stage.ts";
import { torchOps } from "./ops.ts";
import { autocast, openTorch } from "./runtime.ts";
import { type TorchTensor, tidy, toFloats } from "./tensor.ts";
import { torchTraining } from "./training.ts";

const ops = torchOps();
const training = torchTraining(ops);

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((x, i) => {
    ab += x * b[i]!;
    aa += x * x;
    bb += b[i]! * b[i]!;
  });
  return ab / Math.sqrt(aa * bb);
}

/** Gradients of Σ seeds·output with respect to every weight that the output depends on; the seeds are Gaussian. */
async function gradients(name: string, dtype: "float32" | "bfloat16"): Promise<Map<string, Float32Array>> {
  const { model, weights, close } = await openGoldenModel(name);
  const names = Object.keys(modelParams(model));
  const values = new Map(await Promise.all(names.map(async (weight) => [weight, await weights.read(weight)] as const)));
  await close();
  const input = goldenArray(`A_models/${name}/cases/single_exact/input.npy`);
  const run = () => {
    const leaves = new Map<string, TorchTensor>();
    for (const [weight, value] of values) leaves.set(weight, training.leaf(training.fromHost(value)));
    const params = paramsFrom((weight) => leaves.get(weight)!);
    const train = { ops: training, dropout: { residual: 0, attention: 0, activation: 0, input: 0 }, featureGradient: 1 };
    const output = runChain(model.stages, { ops, train }, params, training.fromHost(hostTensor(input.data, input.shape)));
    const [batch, frames, width] = output.shape as [number, number, number];
    const seeds = ops.constant(fillGaussian(seeded(7), new Float32Array(batch * frames * width)), output.shape);
    const found = training.gradients([ops.cast(output, "float32")], [seeds], [...leaves.values()]);
    return new Map(names.flatMap((weight, i) => (found[i] ? [[weight, toFloats(found[i])] as const] : [])));
  };
  return tidy(() => (dtype === "float32" ? run() : autocast("cpu", dtype, run)) as never);
}

describe("bfloat16 gradients", { skip: torchMissing !== undefined }, () => {
  beforeAll(async () => void (await openTorch({ device: "cpu", threads: 1 })));

  // bfloat16 has 8 significant bits. Through the whole chain the gradient of each weight keeps a cosine of 0.98 to that of float32: the
  // worst are 0.991 (first convolution, group norm), 0.998 and 0.996 (layer norm).
  test.each([
    ["group norm after the first convolution", "mert_95m_24k"],
    ["layer norm after each convolution, pre-norm transformer", "hubert_large_layernorm_16k"],
    ["layer norm after each convolution, data2vec positions", "music2vec_data2vec_16k"],
  ])("agree in direction with float32: %s", async (_, name) => {
    const right = await gradients(name, "float32");
    const half = await gradients(name, "bfloat16");
    expect([...half.keys()]).toEqual([...right.keys()]);
    // Adding a constant to every key changes no attention weight: the gradient of k_proj.bias is rounding error in any dtype.
    const compared = [...right].filter(([weight]) => !weight.endsWith("k_proj.bias"));
    const cosines = compared.map(([weight, values]) => ({ weight, value: cosine(half.get(weight)!, values) }));
    cosines.sort((a, b) => a.value - b.value);
    expect(cosines[0]!.value, cosines[0]!.weight).toBeGreaterThan(0.98);
  });
});
