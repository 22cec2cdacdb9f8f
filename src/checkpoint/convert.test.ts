// Conversion: there and back gives the same tensors, and the converted model the same hidden states.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenArray, goldenPath, maxDifference } from "../../test/fixtures/golden.ts";
import { goldenModels } from "../../test/fixtures/golden-models.ts";
import { loadModel } from "../inference/load.node.ts";
import { architectureFromFairseq, architectureFromHf } from "../models/index.ts";
import { canonicalName } from "../models/keys.ts";
import { convertCheckpoint } from "./convert.node.ts";
import { openCheckpointPath } from "./read.node.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-convert-"));
});
afterAll(() => rm(folder, { recursive: true }));

const json = async (path: string) => JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;

async function goldenArchitecture(name: string) {
  const [hfConfig, hfPreprocessor] = [
    await json(goldenPath(`A_models/${name}/config.json`)),
    await json(goldenPath(`A_models/${name}/preprocessor_config.json`)),
  ];
  return { hfConfig, hfPreprocessor, architecture: architectureFromHf(hfConfig, hfPreprocessor.sampling_rate as number) };
}

async function hiddenStates(path: string, input: Float32Array) {
  const model = await loadModel(path, { threads: 1 });
  const [states] = await model.hiddenStates([input]);
  await model.dispose();
  return states!.values;
}

// hubert_no_featproj_ln is a shape that fairseq's HuBERT does not have.
describe.each(goldenModels.filter((name) => name !== "hubert_no_featproj_ln"))("%s", (name) => {
  test("HF → fairseq → HF keeps every tensor and every hidden state", async () => {
    const { architecture, hfConfig, hfPreprocessor } = await goldenArchitecture(name);
    const source = await openCheckpointPath(goldenPath(`A_models/${name}`));
    const normaliseInput = hfPreprocessor.do_normalize === true;
    const pt = join(folder, `${name}.pt`);
    const back = join(folder, name);
    const there = await convertCheckpoint(source, architecture, { form: "fairseq", path: pt }, { normaliseInput });

    const fairseq = await openCheckpointPath(pt);
    expect(fairseq.format).toBe("fairseq");
    const config = architecture.fairseqConfig();
    const read = architectureFromFairseq(String(config._name), config, architecture.model.sampleRateHz);
    expect(read.fairseqConfig()).toEqual(config);
    await convertCheckpoint(fairseq, read, { form: "hf", path: back }, { normaliseInput, hfConfig });

    const returned = await openCheckpointPath(back);
    const names = new Map([...source.tensors.keys()].map((original) => [canonicalName(original), original]));
    expect(there).toMatchObject({ leftOut: [], missing: [] });
    expect([...returned.tensors.keys()].sort()).toEqual([...names.keys()].sort());
    for (const [tensor, { dtype, shape }] of returned.tensors) {
      const [found, expected] = [await returned.read(tensor), await source.read(names.get(tensor)!)];
      expect(expected).toMatchObject({ dtype, shape });
      expect(Buffer.compare(found.bytes, expected.bytes)).toBe(0);
    }
    for (const file of [source, fairseq, returned]) await file.close();

    const input = goldenArray(`A_models/${name}/cases/single_exact/input.npy`).data;
    const expected = await hiddenStates(goldenPath(`A_models/${name}`), input);
    expect(maxDifference(await hiddenStates(pt, input), expected)).toBe(0);
    expect(maxDifference(await hiddenStates(back, input), expected)).toBe(0);
  });
});

test("both spellings of weight norm convert to one", async () => {
  const { architecture } = await goldenArchitecture("hubert_base_16k");
  const source = await openCheckpointPath(goldenPath("A_models/hubert_base_16k/model_parametrizations.safetensors"));
  const { leftOut } = await convertCheckpoint(source, architecture, { form: "hf", path: join(folder, "spelt") }, { normaliseInput: true });
  expect(leftOut).toEqual([]);
  const written = await openCheckpointPath(join(folder, "spelt"));
  expect(written.tensors.has("encoder.pos_conv_embed.conv.weight_g")).toBe(true);
  await source.close();
  await written.close();
});

test("a setting that fairseq's model cannot have is refused by name", async () => {
  const { architecture } = await goldenArchitecture("hubert_no_featproj_ln");
  const source = await openCheckpointPath(goldenPath("A_models/hubert_no_featproj_ln"));
  const to = { form: "fairseq", path: join(folder, "never.pt") } as const;
  await expect(convertCheckpoint(source, architecture, to, { normaliseInput: true })).rejects.toThrow("feat_proj_layer_norm is false");
  await source.close();
});
