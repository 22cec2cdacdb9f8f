// Stores: embeddings are read back equal, found by the next run, and survive interruptions.
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memorySource } from "../../base/byte-source.ts";
import { toFloat32 } from "../../base/host-tensor.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import { parseNpy } from "../../formats/npy.ts";
import { readNpz } from "../../formats/npz.ts";
import type { Provenance } from "../../inference/provenance.ts";
import type { EmbeddingStream, PooledShape } from "../embedding.ts";
import { storeFormats, stores } from "./index.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-stores-"));
});
afterAll(() => rm(root, { recursive: true }));

const provenance: Provenance = {
  ostinato: "0.0.0",
  created: "2025-01-01T00:00:00.000Z",
  source: { file: 'música "1",\n2.wav', bytes: 10, sampleRateHz: 44_100, channels: 2, seconds: 1, mends: [] },
  model: { name: "tiny", family: "mert", sampleRateHz: 24_000, frameRateHz: 75 },
  engine: { name: "onnx", version: "1" },
  settings: {
    weightsSha256: ["00"],
    layers: [0, 6],
    pooling: "none",
    l2: false,
    inputNormalisation: { on: false, source: "test" },
    padding: "exact",
    dtype: "fp32",
  },
  deviations: [],
};
const shape: PooledShape = [2, 3, 4];
const values = fillGaussian(seeded(1), new Float32Array(24));

/** The values in chunks that come out of order. */
function stream(given: Float32Array = values, givenShape: PooledShape = shape): EmbeddingStream {
  async function* chunks() {
    const half = given.length / 2;
    yield { offset: half, values: given.subarray(half) };
    yield { offset: 0, values: given.subarray(0, half) };
  }
  return { shape: givenShape, layers: [0, 6], provenance, chunks: chunks() };
}

async function written(format: (typeof storeFormats)[number], names: readonly string[]) {
  const folder = await mkdtemp(join(root, `${format}-`));
  const store = await stores[format](folder);
  const paths: string[] = [];
  for (const name of names) paths.push(await store.write(name, stream()));
  await store.close();
  return { folder, paths };
}

describe.each(storeFormats)("%s", (format) => {
  test("the next run finds each embedding with its provenance, and no others", async () => {
    const { folder, paths } = await written(format, ["a", "sub/b"]);
    expect(paths[0]!.startsWith(folder)).toBe(true);
    const store = await stores[format](folder);
    const { file, bytes } = provenance.source;
    expect(await store.find("sub/b")).toMatchObject({ source: { file, bytes }, settings: provenance.settings });
    expect(await store.find("c")).toBeUndefined();
    await store.close();
    expect((await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("values and shapes are read back equal", async () => {
    const { paths } = await written(format, ["a"]);
    const file = await readFile(paths[0]!);
    if (format === "npy") {
      const array = parseNpy(file);
      expect([array.shape, toFloat32(array)]).toEqual([shape, values]);
    } else if (format === "npz") {
      const arrays = await readNpz(memorySource(file));
      expect([arrays.get("embedding")!.shape, toFloat32(arrays.get("embedding")!)]).toEqual([shape, values]);
      expect(JSON.parse(new TextDecoder().decode(arrays.get("provenance")!.bytes))).toEqual(provenance);
    } else if (format === "jsonl") {
      const line = JSON.parse(file.toString()) as { name: string; values: number[][][]; shape: number[] };
      expect(line).toMatchObject({ name: "a", shape, ...provenance });
      expect(Float32Array.from(line.values.flat(2))).toEqual(values);
    } else {
      const rows = await parquetReadObjects({ file: await asyncBufferFromFile(paths[0]!) });
      expect(rows.map(({ name, layer, frame }) => [name, layer, frame])).toEqual([0, 6].flatMap((l) => [0, 1, 2].map((f) => ["a", l, f])));
      expect(Float32Array.from(rows.flatMap(({ vector }) => vector as number[]))).toEqual(values);
      expect(rows[1]!.start_seconds).toBeCloseTo(1 / 75);
      expect(rows[0]!.file).toBe(provenance.source.file);
    }
  });
});

test("an npy without a sidecar is foreign, a sidecar without an npy is unfinished", async () => {
  const { folder, paths } = await written("npy", ["a"]);
  const store = stores.npy(folder);
  await writeFile(join(folder, "b.npy"), "someone's");
  expect(await store.find("b")).toBe("foreign");
  await rm(paths[0]!);
  expect(await store.find("a")).toBeUndefined();
});

test("a failing computation leaves neither array nor sidecar", async () => {
  const folder = await mkdtemp(join(root, "failing-"));
  async function* broken() {
    yield { offset: 0, values };
    throw new Error("the engine broke");
  }
  await expect(stores.npy(folder).write("a", { ...stream(), chunks: broken() })).rejects.toThrow("the engine broke");
  expect(await readdir(folder)).toEqual([]);
});

test("a jsonl with an incomplete last line loses only that line", async () => {
  const { folder, paths } = await written("jsonl", ["a", "b"]);
  const { length } = await readFile(paths[0]!);
  await truncate(paths[0]!, length - 10);
  const store = await stores.jsonl(folder);
  expect(await store.find("a")).toBeDefined();
  expect(await store.find("b")).toBeUndefined();
  await store.write("b", stream());
  await store.close();
  const lines = (await readFile(paths[0]!, "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(["a", "b"]);
});

test("lines of a jsonl longer than one read are skipped correctly", async () => {
  const folder = await mkdtemp(join(root, "long-"));
  const store = await stores.jsonl(folder);
  const long = fillGaussian(seeded(2), new Float32Array(2 * 100 * 1000));
  for (const name of ["a", "b", "c"]) await store.write(name, stream(long, [2, 100, 1000]));
  await store.close();
  await appendFile(join(folder, "embeddings.jsonl"), '{"name":"d","source":');
  const again = await stores.jsonl(folder);
  for (const name of ["a", "b", "c"]) expect(await again.find(name)).toBeDefined();
  expect(await again.find("d")).toBeUndefined();
  await again.close();
});

test("a second parquet run adds a part", async () => {
  const { folder } = await written("parquet", ["a"]);
  const store = await stores.parquet(folder);
  await store.write("b", stream());
  await store.close();
  expect(await readdir(folder)).toEqual(["embeddings-00000.parquet", "embeddings-00001.parquet"]);
});
