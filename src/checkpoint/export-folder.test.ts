// The folder for transformers.js: its files, as that library looks for them. `npm run check:transformers-js` loads one with the library itself.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { goldenArray, maxDifference } from "../../test/fixtures/golden.ts";
import { openGoldenModel } from "../../test/fixtures/golden-models.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { createEncoder } from "../inference/encoder.ts";
import { exportFolder } from "./export-folder.node.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-export-"));
});
afterAll(() => rm(root, { recursive: true }));

const name = "mert_95m_24k";
const options = { layers: [3], metadata: {}, normaliseInput: true };
const json = async (path: string) => JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;

test("each dtype has a graph under transformers.js's name, beside one configuration", async () => {
  const golden = await openGoldenModel(name);
  const folder = join(root, "two");
  await exportFolder(folder, golden, golden.weights, options);
  await exportFolder(folder, golden, golden.weights, { ...options, dtype: "q8" });
  expect((await readdir(folder, { recursive: true })).sort()).toEqual([
    "config.json",
    "onnx",
    "onnx/model.onnx",
    "onnx/model_quantized.onnx",
    "preprocessor_config.json",
  ]);
  expect(await json(join(folder, "config.json"))).toMatchObject({
    model_type: "hubert",
    exported_from: "mert_model",
    hidden_size: golden.model.width,
    "transformers.js_config": { use_external_data_format: {} },
  });
  expect(await json(join(folder, "preprocessor_config.json"))).toMatchObject({
    feature_extractor_type: "Wav2Vec2FeatureExtractor",
    do_normalize: true,
    sampling_rate: 24_000,
  });
  await golden.close();
});

test("external weights lie where transformers.js looks for them, are listed in the configuration, and give the encoder's results", async () => {
  const golden = await openGoldenModel(name);
  const folder = join(root, "outside");
  await exportFolder(folder, golden, golden.weights, { ...options, external: true });
  expect((await readdir(join(folder, "onnx"))).sort()).toEqual(["model.onnx", "model.onnx_data"]);
  expect(await json(join(folder, "config.json"))).toMatchObject({
    "transformers.js_config": { use_external_data_format: { "model.onnx": 1 } },
  });
  const session = await ort.InferenceSession.create(join(folder, "onnx/model.onnx"));
  const { data } = goldenArray(`A_models/${name}/cases/single_odd/input.npy`);
  const { last_hidden_state: found } = await session.run({ input_values: new ort.Tensor("float32", data, [1, data.length]) });
  const encoder = createEncoder(golden.model, onnxEngine({ threads: 1 }), golden.weights, { normaliseInput: false });
  const [expected] = await encoder.hiddenStates([data], [3]);
  expect(maxDifference(found!.data as Float32Array, expected!.values)).toBeLessThan(1e-5);
  await encoder.dispose();
  await golden.close();
});

test("a folder that no export wrote is not overwritten", async () => {
  const golden = await openGoldenModel(name);
  await writeFile(join(root, "config.json"), '{"model_type": "mert_model"}');
  await expect(exportFolder(root, golden, golden.weights, options)).rejects.toThrow(/config\.json belongs to a model that no export wrote/);
  expect(await readdir(root)).not.toContain("onnx");
  await golden.close();
});
