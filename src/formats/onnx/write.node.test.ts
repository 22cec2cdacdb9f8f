import { existsSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LazyOnnxModel, writeOnnx } from "./write.node.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-onnx-"));
});
afterAll(() => rm(folder, { recursive: true }));

const size = 20;
const twos = new Uint8Array(new Float32Array(size * size).fill(2).buffer);
const ones = new Uint8Array(new Float32Array(size * size).fill(1).buffer);

/** y = (x · 2s) · 1s + 3: two weights of 1600 bytes and a scalar. */
function model(first = twos): LazyOnnxModel {
  const square = { dtype: "float32", shape: [size, size] } as const;
  return {
    irVersion: 8,
    opsets: [{ domain: "", version: 17 }],
    graph: {
      name: "two products",
      nodes: [
        { op: "MatMul", inputs: ["x", "w1"], outputs: ["h"] },
        { op: "MatMul", inputs: ["h", "w2"], outputs: ["p"] },
        { op: "Add", inputs: ["p", "three"], outputs: ["y"] },
      ],
      initializers: [
        { name: "w1", ...square, data: { lazy: async () => first } },
        { name: "three", dtype: "float32", shape: [], data: { raw: new Uint8Array(Float32Array.of(3).buffer) } },
        { name: "w2", ...square, data: { lazy: async () => ones } },
      ],
      inputs: [{ name: "x", dtype: "float32", shape: ["batch", size] }],
      outputs: [{ name: "y", dtype: "float32", shape: ["batch", size] }],
    },
  };
}

async function firstOutput(path: string): Promise<number> {
  const session = await InferenceSession.create(path);
  const x = new Tensor("float32", new Float32Array(size).fill(1), [1, size]);
  const { y } = await session.run({ x });
  await session.release();
  return (y!.data as Float32Array)[0]!;
}

test("a small model is one file that runs", async () => {
  const path = join(folder, "small.onnx");
  await writeOnnx(path, model());
  expect(existsSync(`${path}.data`)).toBe(false);
  expect(await firstOutput(path)).toBe(2 * size * size + 3);
});

test("a model with its weights beside it runs, and they begin at pages", async () => {
  const path = join(folder, "large.onnx");
  await writeOnnx(path, model(), { external: true });
  expect((await stat(`${path}.data`)).size).toBe(4096 + 1600);
  expect((await stat(path)).size).toBeLessThan(800);
  expect(await firstOutput(path)).toBe(2 * size * size + 3);
});

test("a weight that comes too short is named, and no model is left behind", async () => {
  const path = join(folder, "short.onnx");
  await expect(writeOnnx(path, model(twos.subarray(4)), { external: true })).rejects.toThrow(
    "w1 is float32 [20,20] and needs 1600 bytes, but 1596 came.",
  );
  expect(existsSync(path) || existsSync(`${path}.data`)).toBe(false);
});
