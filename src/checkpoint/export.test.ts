// Export: the ONNX file runs in plain onnxruntime and equals the originals.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenArray, maxDifference } from "../../test/fixtures/golden.ts";
import { goldenModels, openGoldenModel } from "../../test/fixtures/golden-models.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { createEncoder } from "../inference/encoder.ts";
import { exportOnnx } from "./export.node.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-export-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function exported(name: string, layers: (all: number) => number[]) {
  const golden = await openGoldenModel(name);
  const path = join(folder, `${name}-${layers(golden.model.layers).join("-")}.onnx`);
  const facts = await exportOnnx(path, golden, golden.weights, {
    layers: layers(golden.model.layers),
    metadata: { model: name, licence: "CC BY-NC 4.0" },
    normaliseInput: false,
  });
  return { golden, facts, session: await ort.InferenceSession.create(path) };
}

const everyLayer = (last: number) => Array.from({ length: last + 1 }, (_, i) => i);

describe.each(goldenModels)("%s", (name) => {
  test("exported, gives every hidden state as the encoder does to 1e-5", async () => {
    const { golden, facts, session } = await exported(name, everyLayer);
    expect(session.inputNames).toEqual(["input_values"]);
    expect(session.outputNames).toEqual(facts.outputs);
    const { data } = goldenArray(`A_models/${name}/cases/single_odd/input.npy`);
    const encoder = createEncoder(golden.model, onnxEngine({ threads: 1 }), golden.weights, { normaliseInput: false });
    const [expected] = await encoder.hiddenStates([data]);
    const outputs = await session.run({ input_values: new ort.Tensor("float32", data, [1, data.length]) });
    const size = expected!.frames * expected!.width;
    facts.outputs.forEach((output, i) => {
      const found = outputs[output]!.data as Float32Array;
      expect(maxDifference(found, expected!.values.subarray(i * size, (i + 1) * size))).toBeLessThan(1e-5);
    });
    await encoder.dispose();
    await golden.close();
  });
});

test("exporting the last layer alone names it last_hidden_state; lower layers leave later weights out", async () => {
  const last = await exported("mert_330m_24k", (layers) => [layers]);
  expect(last.session.outputNames).toEqual(["last_hidden_state"]);
  const first = await exported("mert_330m_24k", () => [0, 1]);
  expect(first.session.outputNames).toEqual(["hidden_state_0", "hidden_state_1"]);
  expect(first.facts.weights).toBeLessThan(last.facts.weights);
  await last.golden.close();
  await first.golden.close();
});
