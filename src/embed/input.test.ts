// Input: one recording in every form in which a program may hold it, and many recordings at once.

import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenPath } from "../../test/fixtures/golden.ts";
import { writeSong } from "../../test/fixtures/tiny-model.ts";
import { downmix } from "../audio/waveform.ts";
import { registry } from "../hub/registry.ts";
import { type LoadedModel, loadModel } from "../inference/load.node.ts";
import { cosine } from "../inference/similarity.ts";
import { shortSong } from "../synth/short-song.ts";
import { embed, vector } from "./embed.ts";
import { embedMany } from "./embed-many.ts";
import type { AudioSource } from "./input.ts";

let root: string;
let path: string;
let bytes: Buffer;
let model: LoadedModel;
const notices: string[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-input-"));
  path = await writeSong(join(root, "a song.wav"), { seconds: 1, seed: 3 });
  bytes = await readFile(path);
  model = await loadModel(goldenPath("A_models/mert_95m_24k"), { threads: 1, onNotice: (notice) => notices.push(notice) });
});
afterAll(async () => {
  await model.dispose();
  await rm(root, { recursive: true });
});

describe("the same embedding comes of", () => {
  test.each<[string, () => AudioSource]>([
    ["a file URL", () => pathToFileURL(path)],
    ["the text of a file URL", () => pathToFileURL(path).href],
    ["a Buffer", () => bytes],
    ["a Uint8Array that is a part of a buffer", () => new Uint8Array(Buffer.concat([Buffer.from("xx"), bytes])).subarray(2)],
    ["an ArrayBuffer", () => new Uint8Array(bytes).buffer],
    ["a Blob", () => new Blob([new Uint8Array(bytes)])],
    ["a ReadableStream", () => new Blob([new Uint8Array(bytes)]).stream() as ReadableStream<Uint8Array>],
    ["a stream of Node", () => createReadStream(path, { highWaterMark: 1000 })],
  ])("%s", async (_, input) => {
    const [wanted, given] = [await embed(model, path, { pooling: "mean" }), await embed(model, input(), { pooling: "mean" })];
    expect(given.values).toEqual(wanted.values);
    expect(given.shape).toEqual([4, 32]);
  });

  test("a File, whose name stands in the provenance", async () => {
    const { provenance } = await embed(model, new File([new Uint8Array(bytes)], "upload.wav"), { pooling: "mean" });
    expect(provenance.source).toMatchObject({ file: "upload.wav", bytes: bytes.length, sampleRateHz: 44_100 });
  });
});

test("samples that are no numbers are set to 0 and reported, as they are in files", async () => {
  const samples = downmix(shortSong({ seconds: 0.5, seed: 1, sampleRateHz: 24_000 }));
  const broken = samples.slice();
  broken.set([Number.NaN, Number.POSITIVE_INFINITY], 100);
  samples.fill(0, 100, 102);
  const [clean, mended] = [
    await embed(model, { samples, sampleRateHz: 24_000 }),
    await embed(model, { samples: broken, sampleRateHz: 24_000 }),
  ];
  expect(mended.values).toEqual(clean.values);
  expect(mended.provenance.source.mends).toEqual(["2 samples were not finite numbers and were set to 0"]);
});

describe("one vector", () => {
  test("has length 1 and is the mean over all layers where none was measured, which is said once", async () => {
    const [one, again] = [await vector(model, path), await vector(model, path)];
    expect(one).toHaveLength(32);
    expect(cosine(one, again)).toBeCloseTo(1, 6);
    expect(Math.hypot(...one)).toBeCloseTo(1, 5);
    const { values } = await embed(model, path, { pooling: "mean" });
    const sum = Float32Array.from({ length: 32 }, (_, i) => [0, 1, 2, 3].reduce((total, layer) => total + values[32 * layer + i]!, 0));
    expect(cosine(one, sum)).toBeCloseTo(1, 6);
    expect(notices.filter((notice) => notice.includes("no measurement names a best layer"))).toHaveLength(1);
  });

  test("is of the layer that the registry names", async () => {
    const registryEntry = { ...registry["m-a-p/MERT-v1-95M"], recommendedLayer: { layer: 2, source: "a paper" } };
    const measured = { ...model, registryEntry };
    const [one, chosen] = [await vector(measured, path), await vector(model, path, { layers: [2] })];
    expect(one).toEqual(chosen);
    expect(notices.at(-1)).toMatch(/^Layer 2 of .* is taken, as measured: a paper\.$/);
  });

  test("has the shapes of one layer in embed, whatever the pooling", async () => {
    const shapes = [];
    for (const pooling of ["none", "mean", "weighted"] as const) {
      const { shape, values, layers } = await embed(model, path, { layers: "recommended", pooling });
      shapes.push(shape);
      expect(layers).toEqual([0, 1, 2, 3]);
      expect(Math.hypot(...values.subarray(0, 32))).toBeCloseTo(1, 5);
    }
    expect(shapes).toEqual([[1, 74, 32], [1, 32], [32]]);
  });
});

describe("many inputs", () => {
  const clip = (seconds: number) => ({ samples: downmix(shortSong({ seconds, seed: 9, sampleRateHz: 24_000 })), sampleRateHz: 24_000 });
  const clips = [1, 0.2, 0.6, 31, 0.3, 0.9].map(clip);

  test.each([1, 2, 8])("come in order and equal single runs, %d together", async (batchSize) => {
    const seen: number[] = [];
    for await (const { index, values } of embedMany(model, clips, { pooling: "mean", batchSize })) {
      seen.push(index);
      const alone = await embed(model, clips[index]!, { pooling: "mean" });
      expect(cosine(values, alone.values)).toBeCloseTo(1, 6);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("may be endless, and are read no further than needed", async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read++;
        yield clip(0.1);
      }
    }
    let results = 0;
    for await (const { shape } of embedMany(model, endless(), { batchSize: 2 })) {
      expect(shape).toEqual([4, 7, 32]);
      if (++results === 5) break;
    }
    expect(read).toBeLessThan(15);
  });

  test("a failure ends them, or is left out and reported with its place", async () => {
    const inputs = [clips[1]!, join(root, "gone.wav"), clips[2]!];
    const all = async (options = {}) => {
      const indices: number[] = [];
      for await (const { index } of embedMany(model, inputs, { pooling: "mean", ...options })) indices.push(index);
      return indices;
    };
    await expect(all()).rejects.toThrow("gone.wav");
    const failures: [number, string][] = [];
    expect(await all({ onError: (error: Error, index: number) => failures.push([index, error.name]) })).toEqual([0, 2]);
    expect(failures).toEqual([[1, "NotFoundError"]]);
  });
});
