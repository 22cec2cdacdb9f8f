// Diff: equal models don't part, and a damaged one parts exactly where it was damaged.
import { expect, test } from "vitest";
import { openGoldenModel } from "../../test/fixtures/golden-models.ts";
import { fillGaussian, seeded } from "../base/random.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import type { WeightReader } from "../ops/program.ts";
import { compareTaps, firstParting } from "./diff.ts";
import { createEncoder } from "./encoder.ts";

const engine = onnxEngine({ threads: 1 });
const waveform = fillGaussian(seeded(1), new Float32Array(6000), 0.3);

test("a model equals itself, and differs from its 8-bit form from the first product on", async () => {
  const { model, weights, close } = await openGoldenModel("mert_330m_24k");
  const exact = createEncoder(model, engine, weights, { normaliseInput: false });
  const rough = createEncoder(model, onnxEngine({ threads: 1, dtype: "q8" }), weights, { normaliseInput: false });
  const same = await compareTaps(exact, exact, waveform);
  expect(same.map(({ tap }) => tap)).toEqual([
    "conv_features",
    "frontend",
    "embed",
    "layers.0.ffn",
    "layers.0",
    "layers.1.ffn",
    "layers.1",
    "layers.2.ffn",
    "layers.2",
    "final",
  ]);
  expect(firstParting(same)).toBeUndefined();
  expect(firstParting(await compareTaps(exact, rough, waveform))?.tap).toBe("conv_features");
  await exact.dispose();
  await rough.dispose();
  await close();
});

test("a checkpoint with one damaged weight differs from that weight's layer on", async () => {
  const { model, weights, close } = await openGoldenModel("mert_95m_24k");
  const damaged: WeightReader = {
    async read(name) {
      const tensor = await weights.read(name);
      return name === "encoder.layers.1.feed_forward.output_dense.bias" ? { ...tensor, bytes: tensor.bytes.map(() => 63) } : tensor;
    },
  };
  const [whole, broken] = [weights, damaged].map((reader) => createEncoder(model, engine, reader, { normaliseInput: false }));
  const parting = firstParting(await compareTaps(whole!, broken!, waveform));
  expect(parting?.tap).toBe("layers.1.ffn");
  await whole!.dispose();
  await broken!.dispose();
  await close();
});

test("models of different shapes are refused", async () => {
  const [a, b] = [await openGoldenModel("mert_95m_24k"), await openGoldenModel("hubert_base_16k")];
  const [left, right] = [a, b].map(({ model, weights }) => createEncoder(model, engine, weights, { normaliseInput: false }));
  await expect(compareTaps(left!, right!, waveform)).rejects.toThrow(/have (layers|width|sampleRateHz) \d+ and \d+/);
  await a.close();
  await b.close();
});
