// Loading whole models: Hugging Face folders, fairseq checkpoints, and what is said when something is amiss.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenArray, goldenJson, goldenPath, maxDifference } from "../../test/fixtures/golden.ts";
import { fileSource, writeAtomic } from "../base/files.node.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { openSafetensors } from "../formats/safetensors.ts";
import { type TorchTree, torchZipChunks } from "../formats/torch/write.ts";
import type { Engine } from "../ops/program.ts";
import { loadModel } from "./load.node.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-load-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function tensorsOf(name: string) {
  const file = await openSafetensors(await fileSource(goldenPath(name)));
  const tensors = new Map(await Promise.all(Array.from(file.tensors.keys(), async (key) => [key, await file.read(key)] as const)));
  await file.close();
  return tensors;
}

describe.each(["hubert_16k_50hz", "mert95m_8books_cqt", "mert330m_preln_relax"])("the fairseq checkpoint %s", (name) => {
  test("gives fairseq's own layer outputs, read from a .pt alone", async () => {
    const config = goldenJson<Record<string, number>>(`B_fairseq/${name}/config.json`);
    const path = join(folder, `${name}.pt`);
    const model: TorchTree = await tensorsOf(`B_fairseq/${name}/model.safetensors`);
    const sampleRate = name.startsWith("hubert") ? 16000 : 24000;
    const cfg = {
      model: { ...config, _name: name.startsWith("hubert") ? "hubert" : "mert" },
      task: { sample_rate: sampleRate, normalize: false },
    };
    await writeAtomic(path, torchZipChunks({ model, cfg }));

    const loaded = await loadModel(path);
    expect(loaded.inputNormalisation).toEqual({ on: false, source: "the fairseq checkpoint's task" });
    const source = goldenArray(`B_fairseq/${name}/source.npy`);
    const [rows, samples] = source.shape as [number, number];
    const states = await loaded.hiddenStates(
      Array.from({ length: rows }, (_, row) => source.data.subarray(row * samples, (row + 1) * samples)),
    );

    const layers = goldenArray(`B_fairseq/${name}/unmasked_layer_outputs.npy`); // [layers, rows, frames, width]
    const [count, , frames, width] = layers.shape as [number, number, number, number];
    const last = goldenArray(`B_fairseq/${name}/unmasked_encoder_output.npy`).data; // after the final norm
    const size = frames * width;
    for (let row = 0; row < rows; row++) {
      const values = states[row]!.values;
      for (let layer = 0; layer < count - 1; layer++) {
        const expected = layers.data.subarray((layer * rows + row) * size, (layer * rows + row + 1) * size);
        expect(maxDifference(values.subarray((layer + 1) * size, (layer + 2) * size), expected)).toBeLessThan(1e-4);
      }
      expect(maxDifference(values.subarray(count * size), last.subarray(row * size, (row + 1) * size))).toBeLessThan(1e-4);
    }
    await loaded.dispose();
  });
});

test("a folder with both spellings of weight norm gives the same model", async () => {
  const outputs: Float32Array[] = [];
  for (const weights of ["model.safetensors", "model_parametrizations.safetensors"]) {
    const copy = join(folder, weights);
    for (const file of ["config.json", "preprocessor_config.json"])
      await cp(goldenPath(`A_models/hubert_base_16k/${file}`), join(copy, file));
    await cp(goldenPath(`A_models/hubert_base_16k/${weights}`), join(copy, "model.safetensors"));
    const loaded = await loadModel(copy);
    outputs.push((await loaded.hiddenStates([new Float32Array(4000).fill(0.1)]))[0]!.values);
    expect((await loaded.weightsSha256())[0]).toMatch(/^[0-9a-f]{64}$/);
    await loaded.dispose();
  }
  expect(maxDifference(outputs[0]!, outputs[1]!)).toBe(0);
});

test("with warmUp every session is prepared while the model loads", async () => {
  const prepared: string[] = [];
  const { prepare, ...rest } = onnxEngine({ threads: 1 });
  const engine: Engine = {
    ...rest,
    prepare(program, weights) {
      prepared.push(program.name);
      return prepare(program, weights);
    },
  };
  const model = await loadModel(goldenPath("A_models/mert_95m_24k"), { engine, warmUp: true });
  const atLoad = prepared.length;
  await model.hiddenStates([new Float32Array(9000).fill(0.1)], [1]);
  expect([atLoad > 0, prepared.length]).toEqual([true, atLoad]);
  await model.dispose();
});

describe("an error names", () => {
  async function broken(change: (config: Record<string, unknown>) => unknown) {
    const copy = await mkdtemp(join(folder, "broken-"));
    await cp(goldenPath("A_models/mert_95m_24k/model.safetensors"), join(copy, "model.safetensors"));
    const config = JSON.parse(await readFile(goldenPath("A_models/mert_95m_24k/config.json"), "utf8")) as Record<string, unknown>;
    await writeFile(join(copy, "config.json"), JSON.stringify(change(config)));
    return loadModel(copy).then((model) => model.hiddenStates([new Float32Array(4000)]));
  }

  test("a config.json of another model, by the first weight that doesn't fit", async () => {
    await expect(broken((config) => ({ ...config, hidden_size: 64 }))).rejects.toThrow(
      /is \[.*\], the config asks for \[.*\]\. Load it with the config\.json that lies beside it/,
    );
    await expect(broken((config) => ({ ...config, num_hidden_layers: 9 }))).rejects.toThrow(/has no weight encoder\.layers\.3\./);
  });
  test("a wrong value, by its key", async () => {
    await expect(broken((config) => ({ ...config, hidden_act: "mish" }))).rejects.toThrow(/config\.json: hidden_act: /);
    await expect(broken((config) => ({ ...config, num_attention_heads: 5 }))).rejects.toThrow(
      "hidden_size 32 is not a multiple of num_attention_heads 5.",
    );
  });
  test("a model of another family", async () => {
    await expect(broken((config) => ({ ...config, model_type: "bert" }))).rejects.toThrow(
      'The model_type "bert" belongs to no supported model family. Supported: mert_model, hubert, data2vec-audio.',
    );
  });
});

describe("the licence of the weights", () => {
  const withCard = async (name: string, card: string) => {
    await cp(goldenPath("A_models/mert_95m_24k"), join(folder, name), { recursive: true });
    await writeFile(join(folder, name, "README.md"), card);
    return join(folder, name);
  };

  test("is told when a model loads, through onNotice", async () => {
    const notices: string[] = [];
    const place = await withCard("free", "---\nlicense: mit\n---\n");
    await using model = await loadModel(place, { commercial: true, onNotice: (notice) => notices.push(notice) });
    expect(model.licence?.name).toBe("mit");
    expect(notices).toEqual([`The weights of ${place} are licensed under mit.`]);
  });

  test.each([
    ["forbids it", "---\nlicense: cc-by-nc-4.0\n---\n", "cc-by-nc-4.0, which forbids commercial use."],
    ["does not say", "a card\n", "is unknown: no model card beside them states it."],
  ])("refuses commercial use where it %s", async (name, card, message) => {
    const place = await withCard(name, card);
    await expect(loadModel(place, { commercial: true, onNotice: () => {} })).rejects.toThrow(message);
  });

  test("of a registered model refuses commercial use before anything is fetched", async () => {
    const options = { commercial: true, endpoint: "http://127.0.0.1:9", cacheDir: join(folder, "none") };
    await expect(loadModel("MERT-v1-95M", options)).rejects.toThrow("CC BY-NC 4.0, which forbids commercial use.");
  });
});
