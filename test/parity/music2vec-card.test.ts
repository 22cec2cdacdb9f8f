// The example of music2vec's model card, at full size.
import { expect, test } from "vitest";
import { randomWeights } from "../../src/checkpoint/random.ts";
import { onnxEngine } from "../../src/engines/onnx/engine.node.ts";
import { createEncoder } from "../../src/inference/encoder.ts";
import { averageLayers, timeMean } from "../../src/inference/pooling.ts";
import { architectureFromHf } from "../../src/models/index.ts";

test("the card's 93,680 samples give [13, 292, 768], a time mean [13, 768] and a weighted average [768]", async () => {
  const { model } = architectureFromHf({ model_type: "data2vec-audio" }, 16000);
  const encoder = createEncoder(model, onnxEngine(), randomWeights(model, 1), { normaliseInput: true });
  const waveform = Float32Array.from({ length: 93680 }, (_, i) => Math.sin(i / 20));
  const [states] = await encoder.hiddenStates([waveform]);
  expect([states!.layers.length, states!.frames, states!.width]).toEqual([13, 292, 768]);
  expect(states!.values.every(Number.isFinite)).toBe(true);
  const means = timeMean(states!);
  expect(means.length).toBe(13 * 768);
  const card = averageLayers(means, { kind: "unconstrained", weights: Array(13).fill(1 / 13), bias: 0.5 });
  const marble = averageLayers(means, { kind: "softmax", logits: Array(13).fill(0) });
  expect(card.length).toBe(768);
  expect(marble[7]! + 0.5).toBeCloseTo(card[7]!, 5);
  await encoder.dispose();
});
