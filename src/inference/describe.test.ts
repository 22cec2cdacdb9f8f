// Which model a checkpoint holds: by the configuration beside or inside it, read the same way by every command.
import { describe, expect, test } from "vitest";
import { goldenJson } from "../../test/fixtures/golden.ts";
import type { FairseqFile } from "../formats/fairseq.ts";
import { describeModel } from "./describe.ts";

const hf = goldenJson<Record<string, unknown>>("A_models/music2vec_data2vec_16k/config.json");
const safetensors = { format: "safetensors", name: "model.safetensors" } as const;

const fairseq = (model: FairseqFile["config"], task?: FairseqFile["config"]) =>
  ({ format: "fairseq", name: "checkpoint.pt", config: model, sections: { model, ...(task && { task }) } }) as unknown as FairseqFile;

test.each([["_name"], ["arch"]])("a fairseq checkpoint names its model by %s", (key) => {
  const { architecture } = describeModel({ name: "x" }, fairseq({ [key]: "hubert" }, { sample_rate: 24_000, normalize: true }));
  expect([architecture.family, architecture.model.sampleRateHz]).toEqual(["mert", 24_000]);
});

test("before hydra the task's settings stand in the model's namespace", () => {
  const { inputNormalisation } = describeModel({ name: "x" }, fairseq({ arch: "hubert", normalize: false }));
  expect(inputNormalisation).toEqual({ on: false, source: "the fairseq checkpoint's task" });
});

describe("input normalisation follows, in this order,", () => {
  const facts = {
    name: "x",
    config: hf,
    preprocessor: { do_normalize: false },
    registryEntry: { sampleRateHz: 16_000, inputNormalisation: true },
  };
  test.each([
    ["the caller", facts, "on", { on: true, source: "asked for" }],
    ["the preprocessor", facts, "auto", { on: false, source: "preprocessor_config.json" }],
    ["the registry", { ...facts, preprocessor: {} }, "auto", { on: true, source: "the registry of published models" }],
    ["the default", { name: "x", config: hf }, "auto", { on: true, source: expect.stringContaining("default") }],
  ] as const)("%s", (_, given, asked, expected) => {
    expect(describeModel(given, safetensors, asked).inputNormalisation).toEqual(expected);
  });
});

test.each([
  ["sampling_rate", "24000"],
  ["sampling_rate", 1e9],
  ["sampling_rate", 0],
  ["do_normalize", "true"],
])("preprocessor_config.json with %s %j is refused by name, not replaced by a default", (key, value) => {
  expect(() => describeModel({ name: "x", config: hf, preprocessor: { [key]: value } }, safetensors)).toThrow(
    `preprocessor_config.json: ${key}:`,
  );
});

test("a fairseq task with a sample rate in text is refused", () => {
  expect(() => describeModel({ name: "x" }, fairseq({ _name: "hubert" }, { sample_rate: "24000" }))).toThrow("sample_rate:");
});

test("without any configuration the message says what to put where", () => {
  expect(() => describeModel({ name: "my-model" }, safetensors)).toThrow("my-model has no config.json");
});
