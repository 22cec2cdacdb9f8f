// The same models with weights of 16, 8 and 4 bits, compared with float32.
import { expect, test } from "vitest";
import { goldenArray } from "../../../test/fixtures/golden.ts";
import { openGoldenModel } from "../../../test/fixtures/golden-models.ts";
import { createEncoder } from "../../inference/encoder.ts";
import { onnxEngine } from "./engine.node.ts";
import { trace } from "./trace.ts";
import type { OnnxDtype } from "./weight-forms.ts";

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  a.forEach((x, i) => {
    dot += x * b[i]!;
    aa += x * x;
    bb += b[i]! ** 2;
  });
  return dot / Math.sqrt(aa * bb);
}

const models = ["mert_95m_24k", "mert_330m_24k", "music2vec_data2vec_16k", "hubert_large_layernorm_16k"];

async function statesOf(name: string, dtype: OnnxDtype, clips: Float32Array[]) {
  const { model, weights, close } = await openGoldenModel(name);
  const encoder = createEncoder(model, onnxEngine({ threads: 1, dtype }), weights, { normaliseInput: false });
  const states = await encoder.hiddenStates(clips);
  await encoder.dispose();
  await close();
  return states;
}

// Models of width 32 average out less rounding than real ones; docs/performance.md has the figures of full size.
test.each([
  ["fp16", 0.99999],
  ["q8", 0.998],
  ["q4", 0.98],
] as const)("%s keeps a cosine to float32 of at least %f on every small model", async (dtype, least) => {
  for (const name of models) {
    const clip = goldenArray(`A_models/${name}/cases/single_odd/input.npy`).data;
    const [exact] = await statesOf(name, "fp32", [clip]);
    const [rough] = await statesOf(name, dtype, [clip]);
    const found = cosine(exact!.values, rough!.values);
    expect(found, name).toBeGreaterThan(least);
    expect(found, name).toBeLessThan(1 - 1e-12);
  }
});

test("8-bit clips of a batch don't see each other", async () => {
  const clip = goldenArray("A_models/mert_95m_24k/cases/single_odd/input.npy").data;
  const loud = clip.map((x) => 30 * x).subarray(0, 4000);
  const [alone] = await statesOf("mert_95m_24k", "q8", [clip]);
  const [, beside] = await statesOf("mert_95m_24k", "q8", [loud, clip]);
  // Not to the last digit: a value that lies between two steps may fall to either.
  expect(cosine(alone!.values, beside!.values)).toBeGreaterThan(0.9999);
});

test("an 8-bit graph holds its matrices in 8 bits, and no float32 copy of them", async () => {
  const { model, close } = await openGoldenModel("mert_95m_24k");
  const program = {
    name: "linear",
    params: model.stages[2]!.params,
    inputs: { x: { dtype: "float32", shape: ["batch", "frames", 32] } },
    run: (ops, params, { x }) => ({ y: model.stages[2]!.run({ ops }, params, x!) }),
  } satisfies Parameters<typeof trace>[0];
  const { externals } = trace(program, { dtype: "q8" });
  const matrices = externals.filter(({ shape, location }) => shape.length === 2 && !location.endsWith(".q8"));
  expect(matrices.map(({ location }) => location)).toEqual([]);
  expect(externals.filter(({ dtype }) => dtype === "int8").length).toBe(6);
  await close();
});
