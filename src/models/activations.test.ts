// hidden_act: every activation of transformers that a config.json may name, on both engines.
import { describe, expect, test } from "vitest";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { torchMissing } from "../../test/fixtures/torch.ts";
import { type HostTensor, hostTensor, toFloat32 } from "../base/host-tensor.ts";
import { fillGaussian, seeded } from "../base/random.ts";
import { randomWeights } from "../checkpoint/random.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { torchEngine } from "../engines/torch/engine.ts";
import { activateWith } from "../ops/composites.ts";
import { paramsFrom } from "../ops/params.ts";
import { referenceOps } from "../ops/reference.ts";
import { chainProgram } from "../ops/stage.ts";
import type { Activation } from "./config.ts";
import { architectureFromFairseq, architectureFromHf } from "./index.ts";

/** Points, and the values of transformers 5.18's ACT2FN there in float64. */
const points = [-6, -3, -1.5, -0.5, -0.1, 0, 0.1, 0.7, 2, 5];
const geluTanh = [
  -8.43964897967e-11, -0.00363739208177, -0.10042842302, -0.154285990175, -0.0460172489546, 0, 0.0539827510454, 0.530570134705,
  1.95459769409, 4.99999977082,
];
const quickGelu = [
  -0.000220353549787, -0.0180713097078, -0.108337801553, -0.149611563394, -0.0457552419164, 0, 0.0542447580836, 0.536893951723,
  1.93565862314, 4.99899298373,
];
const silu = [
  -0.0148357389398, -0.142277619533, -0.27363828571, -0.188770334399, -0.0475020812521, 0, 0.0524979187479, 0.467731440518, 1.76159415596,
  4.96653574538,
];

const names: readonly (readonly [name: string, activation: Activation, values: readonly number[]])[] = [
  ["gelu_new", "gelu_new", geluTanh],
  ["gelu_fast", "gelu_new", geluTanh],
  ["gelu_pytorch_tanh", "gelu_new", geluTanh],
  ["quick_gelu", "quick_gelu", quickGelu],
  ["silu", "silu", silu],
  ["swish", "silu", silu],
];

const sizes = { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 32 };
const convolutions = {
  conv_dim: [8, 8],
  conv_kernel: [10, 4],
  conv_stride: [5, 4],
  num_conv_pos_embeddings: 4,
  num_conv_pos_embedding_groups: 2,
};
const config = (hidden_act: string) => ({ model_type: "hubert", hidden_act, ...sizes, ...convolutions });

test.each(names)("%s has transformers' values", (_, activation, values) => {
  const y = activateWith(referenceOps)({ shape: [points.length], data: Float64Array.from(points) }, activation);
  for (const [i, value] of values.entries()) expect(y.data[i]).toBeCloseTo(value, 9);
});

test.each(names)("config.json may name %s, and keeps it in both dialects", (name, activation) => {
  const { hfConfig, fairseqConfig } = architectureFromHf(config(name));
  expect(hfConfig.hidden_act).toBe(activation);
  if (activation === "quick_gelu") expect(fairseqConfig).toThrow("hidden_act is quick_gelu, which fairseq does not have");
  else expect(architectureFromFairseq("hubert", fairseqConfig()).hfConfig.hidden_act).toBe(activation);
});

test("an unknown activation is refused with the names that are known", () => {
  expect(() => architectureFromHf(config("mish"))).toThrow(/hidden_act: .*"gelu_new".*"silu"/);
});

const engines = [
  ["onnx", () => onnxEngine({ threads: 1 }), undefined],
  ["torch", () => torchEngine({ device: "cpu", threads: 1 }), torchMissing],
] as const;

describe.each(engines)("on %s", (_, start, missing) => {
  test.skipIf(missing).each(names)("a layer with %s equals the float64 reference", async (name) => {
    const { model } = architectureFromHf(config(name));
    const weights = randomWeights(model, 1);
    const layers = model.stages.filter((stage) => stage.name.startsWith("layers."));
    const program = chainProgram("layers", layers, { input: { dtype: "float32", shape: ["batch", "frames", 16] }, outputs: ["layers.1"] });
    const x = hostTensor(fillGaussian(seeded(2), new Float32Array(2 * 7 * 16), 2), [2, 7, 16]);

    const session = await start().prepare(program, weights);
    const actual = toFloat32((await session.run({ x }))["layers.1"]!);
    await session.dispose();

    const reads = Object.keys(program.params).map(async (key) => [key, asReference(await weights.read(key))] as const);
    const params = new Map(await Promise.all(reads));
    const expected = program.run(
      referenceOps,
      paramsFrom((key) => params.get(key)!),
      { x: asReference(x) },
    )["layers.1"]!;
    expect(maxDifference(actual, Float32Array.from(expected.data))).toBeLessThan(5e-6);
  });
});

function asReference(tensor: HostTensor) {
  return { shape: tensor.shape, data: Float64Array.from(toFloat32(tensor)) };
}
