// EnCodec's layers one by one, and the configuration that weights and files tell.
import { expect, test } from "vitest";
import { goldenJson, goldenPath } from "../../../test/fixtures/golden.ts";
import { goldenFrom, goldenSource } from "../../../test/fixtures/golden-teachers.ts";
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import { openCheckpointFolder } from "../../checkpoint/read.node.ts";
import { onnxEngine } from "../../engines/onnx/engine.node.ts";
import { encodecConfigFromHf, encodecConfigFromWeights, encodecHop } from "./config.ts";
import { encodecName, encodecWeights } from "./keys.ts";
import { endingConvolutions, lengthInputs, strideLengths } from "./model.ts";

const folder = goldenPath("D_encodec/hf");
const hf = goldenJson<Record<string, unknown>>("D_encodec/hf/config.json");
const layers = "D_encodec/layers_len_1601";

test.skipIf(!goldenSource(layers))("each layer up to the LSTM is facebook's (where its golden folder is at hand)", async () => {
  const file = await openCheckpointFolder(folder);
  const config = encodecConfigFromHf(hf, 8);
  const taps = [0, 1, 3, 4, 6, 7, 9, 10, 12].map((index) => `encoder.layers.${index}`);
  const session = await onnxEngine({ threads: 1 }).prepare(endingConvolutions(config, taps), encodecWeights(file, 8));
  const input = goldenFrom(layers, "input.npy").data;
  const samples = Math.ceil(input.length / encodecHop(config)) * encodecHop(config);
  const x = new Float32Array(samples);
  x.set(input);
  const lengths = strideLengths(config, input.length).map((length) => hostInt(length));
  const found = await session.run({
    x: hostTensor(x, [1, samples]),
    ...Object.fromEntries(lengthInputs(config).map((name, i) => [name, lengths[i]!])),
  });
  for (const path of taps) {
    const index = Number(path.split(".").at(-1));
    const kind = [1, 4, 7, 10].includes(index) ? "SEANetResnetBlock" : "SConv1d";
    const right = goldenFrom(layers, `layer_${String(index).padStart(2, "0")}_${kind}.npy`); // [1, channels, time]
    const [, channels, time] = right.shape as [number, number, number];
    const values = toFloat32(found[path]!); // [1, time, channels], the end of it beyond the clip
    let worst = 0;
    right.data.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - values[(i % time) * channels + Math.floor(i / time)]!));
    });
    expect(worst, path).toBeLessThan(1e-5);
  }
  await Promise.all([session.dispose(), file.close()]);
});

function hostInt(value: number) {
  return { dtype: "int32" as const, shape: [1], bytes: new Uint8Array(Int32Array.of(value).buffer) };
}

test("the configuration inferred from shapes equals that of config.json", async () => {
  const file = await openCheckpointFolder(folder);
  expect(encodecConfigFromWeights(file.tensors)).toEqual(encodecConfigFromHf(hf, 8));
  await file.close();
});

test("the published 24 kHz model needs no more than its defaults", () => {
  const config = encodecConfigFromHf({ model_type: "encodec" }, 32);
  expect([config.filters, config.width, config.codebookSize, encodecHop(config), config.sampleRateHz]).toEqual([
    32, 128, 1024, 320, 24_000,
  ]);
});

test("the stereo model is refused, naming what differs", () => {
  expect(() => encodecConfigFromHf({ ...hf, audio_channels: 2 }, 8)).toThrow("audio_channels is 2");
  expect(() => encodecConfigFromHf({ ...hf, norm_type: "time_group_norm" }, 8)).toThrow("norm_type is time_group_norm");
});

test("facebook's, transformers' and torch's newer names are one", () => {
  const one = "encoder.layers.1.block.3.conv.weight_g";
  expect(encodecName("encoder.model.1.block.3.conv.conv.weight_g")).toBe(one);
  expect(encodecName("encoder.layers.1.block.3.conv.parametrizations.weight.original0")).toBe(one);
  expect(encodecName("quantizer.vq.layers.5._codebook.embed")).toBe("quantizer.layers.5.codebook.embed");
});
