// Embedding: shapes, pooling, windows, provenance and refusals, on a tiny golden model.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenPath, maxDifference } from "../../test/fixtures/golden.ts";
import { downmix } from "../audio/waveform.ts";
import { type LoadedModel, loadModel } from "../inference/load.node.ts";
import { averageLayers, timeMean } from "../inference/pooling.ts";
import { settingsThatDiffer } from "../inference/provenance.ts";
import { shortSong } from "../synth/short-song.ts";
import { embed, embedFrames } from "./embed.ts";
import { checkBatch, checkWindow, TooLongError } from "./memory.ts";

let model: LoadedModel;
const audio = { samples: downmix(shortSong({ seconds: 3, sampleRateHz: 24_000, seed: 2 })), sampleRateHz: 24_000 };
beforeAll(async () => {
  model = await loadModel(goldenPath("A_models/mert_95m_24k"), { threads: 1, inputNorm: "on" });
});
afterAll(() => model.dispose());

test("without pooling the values are the encoder's hidden states, [layers + 1, frames, width]", async () => {
  const { values, shape, layers } = await embed(model, audio);
  const [states] = await model.hiddenStates([audio.samples]);
  expect(shape).toEqual([4, 224, 32]);
  expect(layers).toEqual([0, 1, 2, 3]);
  expect(maxDifference(values, states!.values)).toBe(0);
});

test("pooling mean and weighted equal the pooling functions over the hidden states", async () => {
  const [states] = await model.hiddenStates([audio.samples], [1, 3]);
  const mean = await embed(model, audio, { layers: [1, 3], pooling: "mean" });
  expect(mean.shape).toEqual([2, 32]);
  expect(maxDifference(mean.values, timeMean(states!))).toBe(0);
  const weights = { kind: "softmax", logits: [0.5, -0.5] } as const;
  const weighted = await embed(model, audio, { layers: [1, 3], pooling: "weighted", weights });
  expect(weighted.shape).toEqual([32]);
  expect(maxDifference(weighted.values, averageLayers(timeMean(states!), weights))).toBe(0);
  expect(weighted.provenance.settings.average).toEqual(weights);
});

test("l2 scales every vector to length 1; without pooling every frame", async () => {
  const { values } = await embed(model, audio, { layers: "last", l2: true });
  for (let at = 0; at < values.length; at += 32) expect(Math.hypot(...values.subarray(at, at + 32))).toBeCloseTo(1, 5);
});

describe("windows", () => {
  test("as long as the clip change nothing", async () => {
    const whole = await embed(model, audio);
    const windowed = await embed(model, audio, { windowSeconds: 3 });
    expect(maxDifference(windowed.values, whole.values)).toBe(0);
    expect(windowed.provenance.deviations).toEqual([]);
  });

  test("are normalised with the whole clip's statistics, and provenance states the deviation", async () => {
    const options = { layers: [2], windowSeconds: 1, overlapSeconds: 0.25 };
    const { values, shape, provenance } = await embed(model, audio, options);
    expect(shape).toEqual([1, 224, 32]);
    expect(provenance.windows).toEqual({ count: 4, windowSeconds: 1, overlapSeconds: 0.25 });
    expect(provenance.deviations[0]).toMatch(/^attention and the positional convolution saw 4 windows of 1 s with 0.25 s of overlap/);
    const quiet = { ...audio, samples: audio.samples.map((x) => x / 4) };
    const scaled = await embed(model, quiet, options);
    expect(maxDifference(scaled.values, values)).toBeLessThan(1e-3); // the loudness of a clip drops out, window or not
  });

  test("in batches give the same values, and pooling mean is the mean over all their frames", async () => {
    const options = { layers: [3], windowSeconds: 0.7, overlapSeconds: 0.1 };
    const frames = await embed(model, audio, options);
    const batched = await embed(model, audio, { ...options, batchSize: 3 });
    expect(maxDifference(batched.values, frames.values)).toBeLessThan(1e-5);
    const mean = await embed(model, audio, { ...options, pooling: "mean" });
    expect(maxDifference(mean.values, timeMean({ layers: [3], frames: 224, width: 32, values: frames.values }))).toBe(0);
  });

  test("can be read as an async iterator of runs of frames with the same values", async () => {
    const options = { layers: [1, 3], windowSeconds: 0.7, overlapSeconds: 0.1 };
    const { values } = await embed(model, audio, options);
    let next = 0;
    for await (const run of embedFrames(model, audio, options)) {
      expect(run.firstFrame).toBe(next);
      for (const layer of [0, 1]) {
        const part = run.values.subarray(layer * run.frames * 32, (layer + 1) * run.frames * 32);
        expect(maxDifference(part, values.subarray((layer * 224 + next) * 32, (layer * 224 + next + run.frames) * 32))).toBe(0);
      }
      next += run.frames;
    }
    expect(next).toBe(224);
  });

  test("deviate less from the whole clip, the more they overlap", async () => {
    const whole = await embed(model, audio, { layers: "last" });
    const worst = async (overlapSeconds: number) =>
      maxDifference((await embed(model, audio, { layers: "last", windowSeconds: 1.5, overlapSeconds })).values, whole.values);
    const [apart, half] = [await worst(0), await worst(0.75)];
    expect(apart).toBeGreaterThan(0);
    expect(half).toBeLessThanOrEqual(apart);
  });
});

test("provenance has everything that is needed to reproduce the embedding", async () => {
  const { provenance } = await embed(model, { ...audio, sampleRateHz: 48_000 }, { layers: "last" });
  expect(provenance).toMatchObject({
    source: { sampleRateHz: 48_000, seconds: 1.5 },
    model: { family: "mert", sampleRateHz: 24_000, frameRateHz: 75 },
    engine: { name: "onnx", version: expect.stringMatching(/^\d+\.\d+/) as string },
    resampler: expect.stringContaining("windowed sinc") as string,
    settings: {
      layers: [3],
      inputNormalisation: { on: true, source: "asked for" },
      weightsSha256: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    },
    deviations: [],
  });
  const plain = (await embed(model, audio)).provenance;
  expect(plain.resampler).toBeUndefined();
  expect(settingsThatDiffer(plain.settings, provenance.settings)).toEqual(["layers"]);
});

test("provenance states the error of a reduced dtype", async () => {
  const rough = await loadModel(goldenPath("A_models/mert_95m_24k"), { threads: 1, inputNorm: "on", engine: "onnx", dtype: "q8" });
  const { provenance } = await embed(rough, audio, { windowSeconds: 1 });
  await rough.dispose();
  expect(provenance.deviations).toEqual([
    expect.stringMatching(/^q8: cosine to fp32 by layer 0\.\d{4} /),
    expect.stringMatching(/^attention and the positional convolution saw/),
  ]);
});

test("wrong options are refused before any audio is decoded", async () => {
  const nowhere = "nowhere.wav";
  await expect(embed(model, nowhere, { layers: [4] })).rejects.toThrow("Layer 4 does not exist");
  await expect(embed(model, nowhere, { overlapSeconds: 1 })).rejects.toThrow("overlap is given without a window");
  await expect(embed(model, nowhere, { weights: { kind: "softmax", logits: [1] } })).rejects.toThrow('weights go with pooling "weighted"');
  const weights = { kind: "softmax", logits: [1, 2] } as const;
  await expect(embed(model, nowhere, { pooling: "weighted", weights })).rejects.toThrow("2 weights, but 4 layers were chosen");
});

test("a batch and a window that need more memory than is free are refused with the remedy", () => {
  const clips = Array.from({ length: 64 }, () => ({ length: 30 * 24_000 }));
  expect(() => checkBatch(model.model, clips, 4, 8e9)).toThrow(TooLongError);
  expect(() => checkBatch(model.model, clips, 4, 8e9)).toThrow(
    /64 clips of up to 30 s in one batch needs? about \d+\.\d GB .* lower --batch-size/,
  );
  expect(() => checkBatch(model.model, clips.slice(0, 2), 4, 8e9)).not.toThrow();
  const hour = 3600 * 24_000;
  const big = { ...model.model, width: 768 };
  expect(() => checkWindow(big, hour, 1, 13, 8e9)).toThrow(
    /Attention over a window of 3600 s needs about \d+\.\d GB .*--window 30 --overlap 5/,
  );
  expect(() => checkWindow(big, hour / 120, 1, 13, 8e9)).not.toThrow();
});

test("an aborted run ends between windows with the signal's reason", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(embed(model, audio, { windowSeconds: 1, signal })).rejects.toThrow("enough");
});
