// The encoder: exact batches, chosen layers, refusals, and the feature extractor's golden values.
import { describe, expect, test } from "vitest";
import { goldenArray, maxDifference } from "../../test/fixtures/golden.ts";
import { goldenModels, openGoldenModel } from "../../test/fixtures/golden-models.ts";
import { TooShortError } from "../base/errors.ts";
import { fillGaussian, seeded } from "../base/random.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import type { Engine, Program, WeightReader } from "../ops/program.ts";
import { chosenLayers, createEncoder } from "./encoder.ts";
import { normalise, prepareBatch } from "./input-normalisation.ts";

const engine = onnxEngine({ threads: 1 });

/** Noise with a DC offset and a loudness of its own. */
const clip = (samples: number, seed: number) =>
  fillGaussian(seeded(seed), new Float32Array(samples), 0.1 * (seed + 1)).map((x) => x + 0.05 * seed);

describe.each(goldenModels)("%s", (name) => {
  test("a batch of mixed lengths equals single runs to 1e-4", async () => {
    const { model, weights, close } = await openGoldenModel(name);
    const encoder = createEncoder(model, engine, weights, { normaliseInput: false });
    const clips = [clip(5211, 0), clip(719, 1), clip(3000, 2), clip(400, 3)];
    const together = await encoder.hiddenStates(clips);
    for (const [i, waveform] of clips.entries()) {
      const [alone] = await encoder.hiddenStates([waveform]);
      expect(together[i]!.frames).toBe(model.frameCount(waveform.length));
      expect(maxDifference(together[i]!.values, alone!.values)).toBeLessThan(1e-4);
    }
    await encoder.dispose();
    await close();
  });
});

test("no stage above the highest chosen layer runs", async () => {
  const programs: Program[] = [];
  const spy: Engine = {
    name: "spy",
    prepare(program, weights) {
      programs.push(program);
      return engine.prepare(program, weights);
    },
  };
  const { model, weights, close } = await openGoldenModel("mert_330m_24k");
  const read: string[] = [];
  const recorder: WeightReader = {
    read(weight) {
      read.push(weight);
      return weights.read(weight);
    },
  };
  const encoder = createEncoder(model, spy, recorder, { normaliseInput: false });
  const all = (await encoder.hiddenStates([clip(4000, 0)]))[0]!;
  read.length = 0;
  const some = (await encoder.hiddenStates([clip(4000, 0)], [0, 1]))[0]!;
  expect(maxDifference(some.values, all.values.subarray(0, some.values.length))).toBeLessThan(1e-6);
  expect(Object.keys(programs[1]!.params).filter((param) => param.startsWith("encoder.layers."))).not.toContain(
    "encoder.layers.1.layer_norm.weight",
  );
  expect(read.some((param) => param.startsWith("encoder.layers.1."))).toBe(false);
  await encoder.dispose();
  await close();
});

test("negative layers count from the end, and an unknown or repeated one is refused by name", () => {
  expect(chosenLayers([-1, 0], 12)).toEqual([12, 0]);
  expect(chosenLayers("last", 24)).toEqual([24]);
  expect(() => chosenLayers([13], 12)).toThrow("Layer 13 does not exist: this model has hidden states 0 (the embedding) to 12.");
  expect(() => chosenLayers([12, -1], 12)).toThrow("twice");
});

test("a clip without a single frame is refused with its length", async () => {
  const { model, weights, close } = await openGoldenModel("mert_95m_24k");
  const encoder = createEncoder(model, engine, weights, { normaliseInput: false });
  await expect(encoder.hiddenStates([new Float32Array(399)])).rejects.toThrow(TooShortError);
  await close();
});

describe("input normalisation equals Wav2Vec2FeatureExtractor", () => {
  test.each(["constant", "int16_scale", "loud", "offset", "silence", "tiny"])("%s", (name) => {
    const input = goldenArray(`A_feature_extractor/${name}_in.npy`).data;
    const expected = goldenArray(`A_feature_extractor/${name}_out_norm1.npy`).data;
    expect(maxDifference(normalise(input), expected)).toBeLessThan(1e-4);
    expect(maxDifference(input, goldenArray(`A_feature_extractor/${name}_out_norm0.npy`).data)).toBe(0);
  });

  test.each([
    ["with a mask, over each clip's own samples", 1, 1],
    ["without a mask, over the padded row", 0, 1],
    ["not at all", 1, 0],
  ])("in a batch: %s", (_, mask, norm) => {
    const clips = ["offset", "loud"].map((name) => goldenArray(`A_feature_extractor/${name}_in.npy`).data);
    const batch = prepareBatch(clips, { normalise: norm === 1, overPadding: mask === 0 });
    const expected = goldenArray(`A_feature_extractor/batch_offset_loud_mask${mask}_norm${norm}.npy`);
    expect([batch.rows, batch.samples]).toEqual(expected.shape);
    expect(maxDifference(batch.values, expected.data)).toBeLessThan(1e-4);
  });
});
