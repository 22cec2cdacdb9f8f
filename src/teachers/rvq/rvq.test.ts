// The residual quantiser and the teachers over frames: what they learn, keep and refuse.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { maxDifference } from "../../../test/fixtures/golden.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import { randomWeights } from "../../checkpoint/random.ts";
import { onnxEngine } from "../../engines/onnx/engine.node.ts";
import { createEncoder } from "../../inference/encoder.ts";
import { architectureFromHf } from "../../models/index.ts";
import { type DspKind, dspFeatures, dspKind, type FrameFeatures } from "../features/features.ts";
import { clipFrames } from "../features/frame-source.ts";
import { convolutionFeatures, layerFeatures } from "../features/layer-features.ts";
import { kmeansTeacher } from "../kmeans/teacher.ts";
import { trainKMeans } from "../kmeans/train.ts";
import { loadRvq, saveRvq, trainRvqTo } from "./file.ts";
import { residualAssigner, trainRvq } from "./rvq.ts";
import { rvqTeacher } from "./teacher.ts";

const engine = onnxEngine({ threads: 1 });
/** Tones that come and go: frames that differ. */
function tune(seed: number, samples: number): Float32Array {
  const rng = seeded(seed);
  const wave = fillGaussian(rng, new Float32Array(samples), 0.02);
  for (let start = 0; start < samples; start += 2000) {
    const [hz, loud] = [80 * 2 ** (5 * rng()), 0.5 * rng()];
    for (let i = start; i < Math.min(samples, start + 2000); i++) wave[i] = wave[i]! + loud * Math.sin((2 * Math.PI * hz * i) / 16_000);
  }
  return wave;
}
const clips = [16_000, 24_123, 9000].map((samples, i) => ({ samples, load: async () => tune(i, samples) }));
let work: string;
let logmel: FrameFeatures;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "ostinato-rvq-"));
  logmel = await dspFeatures("logmel", engine, { mels: 20 });
});
afterAll(async () => {
  await logmel.dispose();
  await rm(work, { recursive: true });
});

const joined = async (features: FrameFeatures, wave: Float32Array): Promise<Float32Array> => {
  const parts: number[] = [];
  for await (const piece of features.frames(wave)) parts.push(...piece);
  return Float32Array.from(parts);
};

test.each(["mfcc", "logmel", "chroma"] as DspKind[])("%s of a long clip in pieces is that of the whole", async (kind) => {
  const wave = tune(9, 16_000 * 3 + 77);
  const [whole, cut] = await Promise.all([dspFeatures(kind, engine), dspFeatures(kind, engine, { pieceFrames: 37 })]);
  const frames = await joined(whole, wave);
  expect(frames.length).toBe(whole.frameCount(wave.length) * whole.width);
  const largest = Math.max(...frames.map(Math.abs));
  expect(maxDifference(await joined(cut, wave), frames) / largest).toBeLessThan(2e-5);
  await expect(joined(whole, new Float32Array(0))).rejects.toThrow("one frame needs");
  await Promise.all([whole.dispose(), cut.dispose()]);
});

test("layers and convolutions of a model have a frame for each of the clip's, cut or not", async () => {
  const config = { model_type: "hubert", hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 32 };
  const small = {
    ...config,
    conv_dim: [8, 8, 8, 8, 8, 8, 8],
    num_conv_pos_embeddings: 4,
    num_conv_pos_embedding_groups: 2,
    feat_extract_norm: "layer",
  };
  const { model } = architectureFromHf(small, 16_000);
  const weights = randomWeights(model, 1);
  const encoder = createEncoder(model, engine, weights, { normaliseInput: true });
  const given = { model: "tiny", width: 8, normaliseInput: true };
  const wave = tune(4, 30_000);
  const total = model.frameCount(wave.length);
  const whole = await convolutionFeatures(model, engine, weights, given);
  const cut = await convolutionFeatures(model, engine, weights, { ...given, pieceSamples: 7000 });
  expect(maxDifference(await joined(cut, wave), await joined(whole, wave))).toBeLessThan(1e-5);
  const layer = layerFeatures(encoder, { model: "tiny", layer: 2, pieceSamples: 9000 });
  expect((await joined(layer, wave)).length).toBe(total * 16);
  expect(layer.name).toBe("layer 2 of tiny");
  const state = await trainKMeans(clipFrames(layer, [{ samples: wave.length, load: async () => wave }]), engine, { clusters: 5, seed: 1 });
  const teacher = await kmeansTeacher(layer, state, engine);
  const [codes] = await teacher.encode([wave]);
  expect([codes!.frames, new Set(codes!.values).size]).toEqual([total, 5]);
  await Promise.all([teacher.dispose(), whole.dispose(), cut.dispose(), encoder.dispose()]);
});

test("each stage of the residual quantiser leaves less, and its file gives the same codes", async () => {
  const source = clipFrames(logmel, clips);
  const path = join(work, "rvq.safetensors");
  const quantiser = await trainRvqTo(path, source, engine, { stages: 4, size: 16, seed: 1, starts: 3, maxPasses: 10 });
  const { inertias } = quantiser;
  for (let i = 1; i < inertias.length; i++) expect(inertias[i]!).toBeLessThan(inertias[i - 1]!);
  expect(await loadRvq(path)).toEqual(quantiser);
  const teacher = await rvqTeacher(logmel, quantiser, engine);
  const [codes] = await teacher.encode([await clips[1]!.load()]);
  expect([codes!.codebooks, codes!.frames]).toEqual([4, logmel.frameCount(24_123)]);
  expect(Math.max(...codes!.values)).toBeLessThan(16);
  expect(teacher.name).toContain("Ostinato RVQ 4 x 16");
  await teacher.dispose();
});

test("codes are the nearest entries of what the stages before left over", async () => {
  const codebooks = Float32Array.of(0, 0, 10, 0, 0, 0, 1, 1); // two stages of two entries, two wide
  const assigner = await residualAssigner(engine, { features: "", seed: 0, codebooks, shape: [2, 2, 2], inertias: [] });
  expect(Array.from(await assigner.assign(Float32Array.of(0.9, 1.2, 9, 0.1, 11, 1)))).toEqual([0, 1, 1, 1, 0, 1]);
  await assigner.dispose();
});

test("training that stops between or within stages goes on to the same codebooks", async () => {
  const source = clipFrames(logmel, clips);
  const options = { stages: 3, size: 8, seed: 2, starts: 2, maxPasses: 4, batch: 60, poolBatches: 1 };
  const whole = await trainRvq(source, engine, options);
  const path = join(work, "stopped.safetensors");
  const stopped = trainRvqTo(path, source, engine, options, ({ quantiser }) => {
    if (quantiser.shape[0] === 2) throw new Error("stopped");
  });
  await expect(stopped).rejects.toThrow("stopped");
  expect(await trainRvqTo(path, source, engine, options)).toEqual(whole);
  await saveRvq(`${path}.partial`, { ...whole, seed: 7 });
  await rm(path);
  await expect(trainRvqTo(path, source, engine, options)).rejects.toThrow("seed 7");
});

test("features other than those it was trained on are refused by name", async () => {
  const mfcc = await dspFeatures("mfcc", engine);
  const state = await trainKMeans(clipFrames(mfcc, clips), engine, { clusters: 4, seed: 1, starts: 1, maxPasses: 1 });
  await expect(kmeansTeacher(logmel, state, engine)).rejects.toThrow("was trained on Kaldi MFCC");
  expect(() => dspKind("spectrum")).toThrow("Choose mfcc, logmel, chroma");
  await mfcc.dispose();
});
