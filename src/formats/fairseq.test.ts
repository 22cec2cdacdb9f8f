import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goldenPath } from "../../test/fixtures/golden.ts";
import { type ByteSource, memorySource } from "../base/byte-source.ts";
import { openFairseq } from "./fairseq.ts";
import { openSafetensors } from "./safetensors.ts";
import { openTorch } from "./torch/open.ts";

const source = (file: string) => memorySource(new Uint8Array(readFileSync(goldenPath(`P_checkpoints/good/${file}`))), file);

test.each(["fairseq_torch2.pt", "fairseq_torch113.pt", "fairseq_legacy.pt"])(
  "%s gives its model, configuration and teacher",
  async (name) => {
    const file = openFairseq(await openTorch(source(name)));
    const expected = await openSafetensors(source(`${name}.expected.safetensors`));
    const names = [...expected.tensors.keys()].filter((each) => each.startsWith("model."));
    expect([...file.tensors.keys()].sort()).toEqual(names.map((each) => each.slice("model.".length)).sort());
    expect(await file.read("encoder.layers.0.fc2.weight")).toEqual(await expected.read("model.encoder.layers.0.fc2.weight"));
    expect(file.hasTeacher).toBe(true);
    expect(file.config).toEqual({
      _name: "hubert",
      conv_feature_layers: "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2",
      mask_prob: 0.8,
      final_dim: 64,
    });
    expect(file.sections.task).toEqual({ labels: ["km", "é✓"], label_rate: 50, sample_rate: 16000 });
  },
);

test("the optimiser's state stays within reach, unread", async () => {
  const reads: number[] = [];
  const inner = source("fairseq_torch2.pt");
  const counted: ByteSource = {
    ...inner,
    read: (offset, length) => {
      reads.push(length);
      return inner.read(offset, length);
    },
  };
  const file = openFairseq(await openTorch(counted));
  const afterOpening = reads.length;
  expect(file.tensors.has("last_optimizer_state.state.0.exp_avg")).toBe(false);
  expect((await file.torch.read("last_optimizer_state.state.0.exp_avg")).shape).toEqual([8]);
  // The entry's own header, then the tensor.
  expect(reads.slice(afterOpening)).toEqual([30, 32]);
});

test("a plain state dict is not taken for fairseq's", async () => {
  const torch = await openTorch(source("pytorch_model_torch2.bin"));
  expect(() => openFairseq(torch)).toThrow('is not a fairseq checkpoint: it should hold "model", and "cfg" or "args"');
});
