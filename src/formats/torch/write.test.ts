import { expect, test } from "vitest";
import { memorySource } from "../../base/byte-source.ts";
import { collectBytes } from "../../base/bytes.ts";
import { type DType, dtypeBytes } from "../../base/dtypes.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import { readZip, storedOffset } from "../zip.ts";
import { openTorch } from "./open.ts";
import { storageClasses, type TorchTensor } from "./tensors.ts";
import { torchZipChunks } from "./write.ts";

const written = async (tree: Parameters<typeof torchZipChunks>[0]) => memorySource(await collectBytes(torchZipChunks(tree)));
const weight = hostTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);

test("what is written opens again, its tensors under dotted names and its values as they were", async () => {
  const seven = { dtype: "int64", shape: [], bytes: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0) } as const;
  const step = { name: "step", dtype: "int64", shape: [], read: async () => seven } as const;
  const file = await openTorch(
    await written({
      model: { "layers.0.weight": weight, tied: weight },
      optimizer: { state: new Map([[0, { exp_avg: hostTensor(Float32Array.of(9), [1]), step }]]), lr: 5e-4 },
      epoch: 12,
      seed: 2n ** 70n,
      negative: -(2 ** 40),
      names: ["é✓", true, null, -0.5],
      nothing: [],
      none: {},
    }),
  );
  expect([...file.tensors.keys()]).toEqual(["model.layers.0.weight", "model.tied", "optimizer.state.0.exp_avg", "optimizer.state.0.step"]);
  expect(await file.read("model.layers.0.weight")).toEqual(weight);
  expect(await file.read("model.tied")).toEqual(weight);
  expect(await file.read("optimizer.state.0.step")).toEqual(seven);
  const values = file.values as Map<string, unknown>;
  expect(values.get("epoch")).toBe(12);
  expect(values.get("seed")).toBe(2n ** 70n);
  expect(values.get("negative")).toBe(-(2 ** 40));
  expect(values.get("names")).toEqual(["é✓", true, null, -0.5]);
  expect(values.get("nothing")).toEqual([]);
  expect(values.get("none")).toEqual(new Map());
  expect((values.get("optimizer") as Map<string, unknown>).get("lr")).toBe(5e-4);
});

test("every dtype is written under torch's own storage class, aligned to 64 bytes", async () => {
  const tensors = Object.fromEntries(
    (Object.values(storageClasses) as DType[]).map((dtype) => [
      dtype,
      { dtype, shape: [3], bytes: Uint8Array.from({ length: 3 * dtypeBytes[dtype] }, (_, i) => i % 2) },
    ]),
  );
  const source = await written(tensors);
  const file = await openTorch(source);
  for (const [name, tensor] of Object.entries(tensors)) expect(await file.read(name)).toEqual(tensor);
  for (const entry of (await readZip(source)).values()) expect((await storedOffset(source, entry)) % 64).toBe(0);
});

test("a tensor that stands twice is stored once", async () => {
  const file = await openTorch(await written([weight, weight]));
  const [first, second] = file.values as TorchTensor[];
  expect(first!.storage.key).toBe(second!.storage.key);
});

test("a tensor that comes with other bytes than announced stops the writing", async () => {
  const lazy = { name: "w", dtype: "float32", shape: [4], read: async () => weight } as const;
  await expect(written({ lazy })).rejects.toThrow("A tensor of float32 [4] needs 16 bytes, but 24 came.");
});
