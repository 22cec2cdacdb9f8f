import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goldenJson, goldenPath } from "../../test/fixtures/golden.ts";
import { memorySource } from "../base/byte-source.ts";
import { collectBytes } from "../base/bytes.ts";
import { FormatError, NotFoundError } from "../base/errors.ts";
import { hostTensor, toFloat32 } from "../base/host-tensor.ts";
import { openSafetensors, safetensorsChunks } from "./safetensors.ts";
import { lazyTensors, namedTensors } from "./tensor-file.ts";

const folder = "P_checkpoints/safetensors";
const open = (file: string) => openSafetensors(memorySource(new Uint8Array(readFileSync(goldenPath(`${folder}/${file}`))), file));

interface Values {
  readonly [name: string]: { shape: number[]; dtype: string; values: (number | boolean | string)[] };
}

test("tensors of every dtype come with their shapes and values", async () => {
  const file = await open("dtypes.safetensors");
  expect(file.metadata).toEqual({ format: "pt", note: "all dtypes" });
  const expected = goldenJson<Values>(`${folder}/dtypes.values.json`);
  expect([...file.tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { shape, dtype, values }] of Object.entries(expected)) {
    const tensor = await file.read(name);
    expect([name, tensor.dtype, tensor.shape]).toEqual([name, dtype, shape]);
    // float64 and int64 values lie beyond float32 only in their last digits.
    const numbers = values.flat().map((value) => Math.fround(numberOf(value)));
    expect([name, ...toFloat32(tensor)]).toEqual([name, ...numbers]);
  }
});

function numberOf(value: number | boolean | string): number {
  if (typeof value !== "string") return Number(value);
  return Number(value.replace("nan", "NaN").replace("inf", "Infinity"));
}

test.each([
  ["ok_minimal.safetensors", 1],
  ["ok_unpadded_header.safetensors", 1],
  ["ok_empty.safetensors", 0],
])("%s opens with %i tensors", async (file, count) => {
  const opened = await open(file);
  expect(opened.tensors.size).toBe(count);
  if (count) expect([...toFloat32(await opened.read("w"))]).toEqual([0, 1, 2, 3, 4, 5]);
});

const refused = {
  header_too_long: "claims a header of 1000000000 bytes",
  header_huge: "claims a header of 9223372036854776000 bytes",
  bad_json: "not JSON",
  not_object: "not a JSON object",
  truncated_data: "cut short",
  size_mismatch: "takes 32 bytes, but its offsets give 24",
  offsets_reversed: "its offsets give -24",
  offsets_negative: "has the data_offsets [-24, 0]",
  overlap: "within the tensor before it",
  hole: "hole",
  trailing: "bytes follow the last tensor",
  unknown_dtype: "unknown dtype",
  negative_dim: "has the shape [-",
  overflow_shape: "takes 2.535301200456459e+30 bytes, but its offsets give 24",
  seven_bytes: "it has 7 bytes",
  non_utf8_header: "UTF-8",
};
test.each(Object.entries(refused))("%s is refused, since %s", async (file, message) => {
  const opening = open(`${file}.safetensors`);
  await expect(opening).rejects.toThrow(message);
  await expect(opening).rejects.toBeInstanceOf(FormatError);
});

test("every file of the manifest has its test here", () => {
  const manifest = goldenJson<{ file: string; expect: string }[]>("P_checkpoints/manifest.json");
  const hostile = manifest.flatMap(({ file, expect }) =>
    file.startsWith("safetensors/") && expect === "reject" ? [file.slice(12, -12)] : [],
  );
  expect(Object.keys(refused)).toEqual(hostile);
});

test("what is written is read again, aligned, and the same however the tensors were ordered", async () => {
  const source = await open("dtypes.safetensors");
  const tensors = lazyTensors(source);
  const bytes = await collectBytes(safetensorsChunks(tensors, { format: "pt" }));
  expect(await collectBytes(safetensorsChunks([...tensors].reverse(), { format: "pt" }))).toEqual(bytes);
  const again = await openSafetensors(memorySource(bytes));
  expect(again.metadata).toEqual({ format: "pt" });
  for (const name of source.tensors.keys()) {
    const tensor = await again.read(name);
    expect(tensor).toEqual(await source.read(name));
    expect(tensor.bytes.byteOffset % (tensor.bytes.length / Math.max(1, toFloat32(tensor).length) || 1)).toBe(0);
  }
});

test("names that mean something to JavaScript stay plain names", async () => {
  const one = hostTensor(Float32Array.of(1), [1]);
  const names = ["__proto__", "constructor", "toString", 'quo"te'];
  const file = await openSafetensors(memorySource(await collectBytes(safetensorsChunks(namedTensors(names.map((name) => [name, one]))))));
  expect([...file.tensors.keys()].sort()).toEqual([...names].sort());
  expect(await file.read("__proto__")).toEqual(one);
  expect(({} as Record<string, unknown>).dtype).toBeUndefined();
});

test("a wrong name is answered with the nearest ones", async () => {
  const one = hostTensor(Float32Array.of(1), [1]);
  const names = ["encoder.layers.0.fc1.weight", "encoder.layers.0.fc2.weight", "mask_emb"];
  const file = await openSafetensors(memorySource(await collectBytes(safetensorsChunks(namedTensors(names.map((name) => [name, one]))))));
  await expect(file.read("encoder.layers.0.fc1.wieght")).rejects.toThrow(NotFoundError);
  await expect(file.read("encoder.layers.0.fc1.wieght")).rejects.toThrow(
    "nearest names are encoder.layers.0.fc1.weight, encoder.layers.0.fc2.weight.",
  );
  await expect(file.read("q")).rejects.toThrow("It holds 3 tensors, none of a similar name.");
});

test("a tensor that comes with other bytes than announced stops the writing", async () => {
  const tensors = [{ name: "w", dtype: "float32", shape: [2], read: async () => hostTensor(Float32Array.of(1), [1]) }] as const;
  await expect(collectBytes(safetensorsChunks(tensors))).rejects.toThrow("w is float32 [2] and needs 8 bytes, but 4 came.");
});
