// Configurations in both dialects: the same model there and back, and sizes within bounds.
import { describe, expect, test } from "vitest";
import { goldenJson } from "../../test/fixtures/golden.ts";
import { goldenModels } from "../../test/fixtures/golden-models.ts";
import { encodecConfigFromHf } from "./encodec/config.ts";
import { architectureFromFairseq, architectureFromHf } from "./index.ts";

test.each(goldenModels)("%s has the same configuration when it is written and read again", (name) => {
  const first = architectureFromHf(goldenJson(`A_models/${name}/config.json`), 24_000);
  const again = architectureFromHf(first.hfConfig, 24_000);
  expect(again.hfConfig).toEqual(first.hfConfig);
});

const mert = { model_type: "mert_model" };
const data2vec = { model_type: "data2vec-audio" };

describe("a size beyond its bound is refused by name", () => {
  test.each([
    [mert, { num_hidden_layers: 1e9 }],
    [mert, { hidden_size: 1e9 }],
    [mert, { intermediate_size: 1e12 }],
    [mert, { sample_rate: 1e9 }],
    [mert, { sample_rate: "24000" }],
    [mert, { num_conv_pos_embeddings: 1e7 }],
    [mert, { conv_kernel: [1e6, 3, 3, 3, 3, 2, 2] }],
    [mert, { conv_dim: Array(1000).fill(512) }],
    [mert, { num_hidden_layers: "12" }],
    [mert, { num_hidden_layers: 1.5 }],
    [data2vec, { num_conv_pos_embeddings: 1e6 }],
    [data2vec, { conv_pos_kernel_size: 1e6 }],
  ])("%j with %j", (base, wrong) => {
    expect(() => architectureFromHf({ ...base, ...wrong })).toThrow(`config.json: ${Object.keys(wrong)[0]}`);
  });

  test.each([
    { encoder_layers: 1e9 },
    { conv_feature_layers: "[(512,10,5)] * 1000000" },
    { conv_feature_layers: "[(512,99999999,5)]" },
    { conv_pos: 1e8 },
  ])("in fairseq's configuration: %j", (wrong) => {
    expect(() => architectureFromFairseq("hubert", wrong)).toThrow(Object.keys(wrong)[0]!);
  });

  test.each([{ sampling_rate: 1e9 }, { sampling_rate: "24000" }, { num_lstm_layers: 1e6 }, { upsampling_ratios: Array(99).fill(2) }])(
    "in EnCodec's: %j",
    (wrong) => {
      expect(() => encodecConfigFromHf({ model_type: "encodec", ...wrong }, 8)).toThrow(`config.json: ${Object.keys(wrong)[0]}`);
    },
  );
});

test("convolution lists of different lengths are refused with their lengths", () => {
  expect(() => architectureFromHf({ ...mert, conv_dim: [512, 512] })).toThrow("have 2, 7 and 7 entries");
});

test("a width that groups do not divide is refused", () => {
  expect(() => architectureFromHf({ ...mert, num_conv_pos_embedding_groups: 5 })).toThrow("num_conv_pos_embedding_groups 5");
});
