// k-means against scikit-learn's and fairseq's own numbers, against a full-batch run, stopped and resumed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { goldenArray, goldenJson, maxDifference } from "../../../test/fixtures/golden.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import { onnxEngine } from "../../engines/onnx/engine.node.ts";
import { type FrameSource, pools } from "../features/frame-source.ts";
import { loadKMeans, saveKMeans, trainKMeansTo } from "./file.ts";
import { spreadCentres } from "./init.ts";
import { kmeansAssigner, squaredDistances, updateClusters } from "./kmeans.ts";
import { type KMeansState, trainKMeans } from "./train.ts";

const engine = onnxEngine({ threads: 1 });
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));
async function workFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ostinato-kmeans-"));
  folders.push(folder);
  return folder;
}

/** Frames of a golden array as one clip. */
const golden = (name: string): FrameSource => {
  const { data, shape } = goldenArray(name);
  return listed(name, [data], shape[1]!);
};

function listed(name: string, clips: readonly Float32Array[], width: number): FrameSource {
  return {
    name,
    width,
    clips: clips.length,
    totalFrames: clips.reduce((sum, clip) => sum + clip.length / width, 0),
    async *clip(index) {
      const clip = clips[index]!;
      const half = Math.ceil(clip.length / width / 2) * width;
      yield clip.subarray(0, half);
      if (half < clip.length) yield clip.subarray(half);
    },
  };
}

/** Clips whose frames come from overlapping groups of unequal size. */
function mixture(clips: number, framesEach: number, width: number, groups: number): FrameSource {
  const rng = seeded(4);
  const centres = fillGaussian(rng, new Float32Array(groups * width), 3);
  const made = Array.from({ length: clips }, () => {
    const noise = fillGaussian(rng, new Float32Array(framesEach * width));
    for (let i = 0; i < framesEach; i++) {
      const group = Math.floor(groups * rng() ** 2);
      for (let d = 0; d < width; d++) noise[i * width + d] = noise[i * width + d]! + centres[group * width + d]!;
    }
    return noise;
  });
  return listed("mixture", made, width);
}

async function allFrames(source: FrameSource): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (let i = 0; i < source.clips; i++) for await (const piece of source.clip(i)) parts.push(piece);
  return Float32Array.from(parts.flatMap((part) => Array.from(part)));
}

async function inertiaPerFrame(state: Pick<KMeansState, "centres" | "width">, frames: Float32Array): Promise<number> {
  const assigner = await kmeansAssigner(engine, state.width);
  const labels = await assigner.assign(frames, state);
  await assigner.dispose();
  return squaredDistances(frames, labels, state.centres, state.width) / labels.length;
}

test("labels are fairseq's wherever the nearest centroid is clear", async () => {
  const [features, centroids] = ["features", "centroids"].map((name) => goldenArray(`F_kmeans/apply/${name}.npy`)) as [
    ReturnType<typeof goldenArray>,
    ReturnType<typeof goldenArray>,
  ];
  const [labels, margins] = ["labels", "distance_margin"].map((name) => goldenArray(`F_kmeans/apply/${name}.npy`).data) as [
    Float32Array,
    Float32Array,
  ];
  const assigner = await kmeansAssigner(engine, 39);
  const found = await assigner.assign(features.data, { width: 39, centres: Float64Array.from(centroids.data) });
  await assigner.dispose();
  const wrong = Array.from(found).filter((label, i) => margins[i]! > 1e-3 && label !== labels[i]);
  expect(wrong).toEqual([]);
});

test("three steps move the centres as scikit-learn's do", async () => {
  const data = goldenArray("F_kmeans/minibatch/data.npy").data;
  const init = goldenArray("F_kmeans/minibatch/init_centers.npy");
  const [clusters, width] = init.shape as [number, number];
  const state = { width, centres: Float64Array.from(init.data), counts: new Float64Array(clusters) };
  const assigner = await kmeansAssigner(engine, width);
  for (const step of [1, 2, 3]) {
    const batch = data.subarray((step - 1) * 100 * width, step * 100 * width);
    updateClusters(state, batch, await assigner.assign(batch, state));
    const right = goldenArray(`F_kmeans/minibatch/centers_after_batch${step}.npy`).data;
    expect(maxDifference(state.centres, right)).toBeLessThan(2e-6);
  }
  await assigner.dispose();
});

describe("inertia with HuBERT's settings stays within 1.02 of the reference's", () => {
  const reference = goldenJson<{
    mean_inertia_per_point_over_20_seeds: { mean: number };
    mfcc_features_inertia_per_frame: number;
    mfcc_clusters: number;
  }>("F_kmeans/minibatch/expected.json");
  test.each([
    ["minibatch/data.npy", 6, reference.mean_inertia_per_point_over_20_seeds.mean],
    ["apply/features.npy", reference.mfcc_clusters, reference.mfcc_features_inertia_per_frame],
  ])("%s in %i clusters, the median of five seeds", async (name, clusters, right) => {
    const source = golden(`F_kmeans/${name}`);
    const frames = await allFrames(source);
    const ratios: number[] = [];
    for (const seed of [1, 2, 3, 4, 5]) {
      ratios.push((await inertiaPerFrame(await trainKMeans(source, engine, { clusters, seed }), frames)) / right);
    }
    ratios.sort((a, b) => a - b);
    expect(ratios[2]).toBeLessThan(1.02);
  });
});

test("a stream in pools smaller than the corpus comes within 1.02 of a full-batch run", async () => {
  const source = mixture(40, 500, 8, 200);
  const frames = await allFrames(source);
  const state = await trainKMeans(source, engine, { clusters: 30, seed: 2, batch: 500, poolBatches: 6, maxPasses: 8 });
  const full = await fullBatch(frames, 8, 30);
  const ratio = (await inertiaPerFrame(state, frames)) / full;
  expect(ratio).toBeLessThan(1.02);
});

/** Lloyd's algorithm to its end, the best of five starts. */
async function fullBatch(frames: Float32Array, width: number, clusters: number): Promise<number> {
  const assigner = await kmeansAssigner(engine, width);
  let best = Number.POSITIVE_INFINITY;
  for (let start = 0; start < 5; start++) {
    const centres = await spreadCentres(engine, frames, width, clusters, seeded(start));
    let [before, inertia] = [Number.POSITIVE_INFINITY, 0];
    for (let pass = 0; pass < 60; pass++) {
      const labels = await assigner.assign(frames, { width, centres });
      inertia = updateClusters({ width, centres, counts: new Float64Array(clusters) }, frames, labels) / labels.length;
      if (inertia > before * (1 - 1e-6)) break;
      before = inertia;
    }
    best = Math.min(best, inertia);
  }
  await assigner.dispose();
  return best;
}

test("a stopped run goes on from its file to the very same centres, and a finished one is only loaded", async () => {
  const folder = await workFolder();
  const source = mixture(12, 300, 5, 10);
  const options = { clusters: 10, seed: 3, batch: 200, poolBatches: 4, starts: 2, maxPasses: 3 };
  const whole = await trainKMeansTo(join(folder, "whole.safetensors"), source, engine, options);
  for (const stopAfter of [1, 4]) {
    const path = join(folder, `stopped-${stopAfter}.safetensors`);
    let seen = 0;
    const stopped = trainKMeansTo(path, source, engine, options, () => {
      if (++seen === stopAfter) throw new Error("stopped");
    });
    await expect(stopped).rejects.toThrow("stopped");
    const resumed = await trainKMeansTo(path, source, engine, options);
    expect(resumed.steps).toBe(whole.steps);
    expect(Array.from(resumed.centres)).toEqual(Array.from(whole.centres));
  }
  const again = await trainKMeansTo(join(folder, "whole.safetensors"), source, engine, options, () => expect.unreachable());
  expect(again).toEqual(whole);
  await expect(trainKMeansTo(join(folder, "whole.safetensors"), source, engine, { ...options, seed: 9 })).rejects.toThrow(
    "seed 3, this one 9",
  );
});

test("centroids come back from their file as they were, with what they were made of", async () => {
  const path = join(await workFolder(), "k.safetensors");
  const source = mixture(2, 60, 4, 3);
  const state = await trainKMeans(source, engine, { clusters: 3, seed: 1, starts: 1, maxPasses: 2 });
  await saveKMeans(path, state);
  expect(await loadKMeans(path)).toEqual(state);
  expect(state.features).toBe("mixture");
});

test("pools of short clips hold every frame of a pass once, and follow from any position", async () => {
  const clips = Array.from({ length: 150 }, (_, c) =>
    Float32Array.from({ length: 2 * (1 + (c % 3)) }, (_, i) => 100 * c + Math.floor(i / 2)),
  );
  const source = listed("numbers", clips, 2);
  const seen: { frames: number[]; next: { pass: number; clip: number; frame: number } }[] = [];
  for await (const { frames, next } of pools(source, { poolFrames: 210, seed: 5 })) {
    seen.push({ frames: Array.from(frames), next });
    if (next.pass === 2) break;
  }
  const firstPass = seen.slice(0, 2).flatMap(({ frames }) => frames);
  expect(firstPass.sort((a, b) => a - b)).toEqual(Array.from(await allFrames(source)).sort((a, b) => a - b));
  const from = seen[0]!.next;
  let i = 1;
  for await (const pool of pools(source, { poolFrames: 210, seed: 5, from })) {
    expect(Array.from(pool.frames)).toEqual(seen[i]!.frames);
    if (++i === seen.length) break;
  }
});

test("a pool hears many clips: of long ones it takes a share, another one each pass", async () => {
  const clips = Array.from({ length: 30 }, (_, c) => Float32Array.from({ length: 1000 }, (_, i) => 1000 * c + i));
  const source = listed("long clips", clips, 1);
  const passes: Set<number>[] = [];
  for await (const { frames, next } of pools(source, { poolFrames: 1500, seed: 1 })) {
    if (frames.length > 1000) expect(new Set(frames.map((value) => Math.floor(value / 1000))).size).toBeGreaterThan(25);
    passes[next.pass] = new Set([...(passes[next.pass] ?? []), ...frames]);
    if (next.pass === 3) break;
  }
  const [one, two] = [passes[1]!, passes[2]!];
  expect([...one].filter((frame) => two.has(frame)).length).toBeLessThan(one.size / 5);
});

test("a corpus without frames, or with fewer than clusters, is refused", async () => {
  const empty: FrameSource = { ...mixture(1, 50, 2, 2), async *clip() {} };
  await expect(trainKMeans(empty, engine, { clusters: 4, seed: 1 })).rejects.toThrow("none of its 1 clips gave a frame");
  await expect(trainKMeans(mixture(1, 3, 2, 2), engine, { clusters: 4, seed: 1 })).rejects.toThrow("3 frames can't make 4 clusters");
});
