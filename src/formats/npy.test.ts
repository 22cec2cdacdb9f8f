import { expect, test } from "vitest";
import { goldenArray } from "../../test/fixtures/golden.ts";
import { memorySource } from "../base/byte-source.ts";
import { type DType, dtypeBytes } from "../base/dtypes.ts";
import { hostTensor, toFloat32 } from "../base/host-tensor.ts";
import { npyBytes, npyHeader, npyInfo, parseNpy, readNpy, readNpyRows } from "./npy.ts";

/** A file with a header text of our own, as other writers may lay it out. */
function file(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const count = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...count, ...text, ...data]);
}
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const matrix = hostTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);

test("an array of NumPy's own comes with its shape and values", () => {
  const { shape, data } = goldenArray("G_resample/kernel_44100_to_24000.npy");
  expect(shape).toEqual([80, 171]);
  expect(data).toHaveLength(80 * 171);
  expect(Math.max(...data)).toBeGreaterThan(0.5);
});

test("what is written is read again, for every dtype and for scalars", async () => {
  for (const dtype of ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"] as DType[]) {
    const tensor = { dtype, shape: [2, 1], bytes: Uint8Array.from({ length: 2 * dtypeBytes[dtype] }, (_, i) => i + 1) };
    expect(await readNpy(memorySource(npyBytes(tensor)))).toEqual(tensor);
  }
  expect(toFloat32(parseNpy(npyBytes(hostTensor(Float32Array.of(7), []))))[0]).toBe(7);
  expect(() => npyHeader("bfloat16", [1])).toThrow("Convert it to float32 first");
});

test("a header keeps its size when the frame count grows, so that a file can be written in place", () => {
  expect(npyHeader("float32", [13, 0, 768])).toHaveLength(128);
  expect(npyHeader("float32", [13, 9_007_199_254_740_991, 768])).toHaveLength(128);
});

test("rows are read without the rest", async () => {
  const source = memorySource(npyBytes(matrix));
  const rows = await readNpyRows(source, await npyInfo(source), 1, 1);
  expect(rows.shape).toEqual([1, 3]);
  expect([...toFloat32(rows)]).toEqual([4, 5, 6]);
  await expect(readNpyRows(source, await npyInfo(source), 1, 2)).rejects.toThrow("has 2 rows, but rows 1 to 3");
});

test("column-major arrays come out row-major", () => {
  const fortran = file("{'shape': (2, 3), 'fortran_order': True, 'descr': '<f4'}\n", floats(1, 4, 2, 5, 3, 6));
  expect([...toFloat32(parseNpy(fortran))]).toEqual([1, 2, 3, 4, 5, 6]);
});

test.each([1, 2, 3])("header version %i is read", (version) => {
  const bytes = file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", floats(8, 9), version);
  expect([...toFloat32(parseNpy(bytes))]).toEqual([8, 9]);
});

const good = npyBytes(matrix);
test.each([
  ["big-endian numbers", file("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", floats(1)), "type >f4"],
  ["Python objects", file("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", floats(1)), "type |O"],
  ["records", file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", floats(1)), "of type [(a"],
  ["inherited names as types", file("{'descr': 'constructor', 'fortran_order': False, 'shape': (1,)}", floats(1)), "type constructor"],
  ["a file cut short", good.subarray(0, good.length - 1), "takes 24 bytes, but 23 follow"],
  ["bytes after the end", Uint8Array.from([...good, 0]), "but 25 follow"],
  ["a header cut short", good.subarray(0, 20), "cut short"],
  [
    "a shape beyond all memory",
    file(`{'descr': '<f4', 'fortran_order': False, 'shape': (${"9".repeat(400)},)}`, floats(1)),
    "takes Infinity bytes",
  ],
  ["a negative length", file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", floats(1)), "without shape"],
  ["another version", file("{}", floats(1), 9), "version 9"],
  ["another format", new TextEncoder().encode("<!doctype html>"), "not an npy file"],
])("refused, with an error that says what was found: %s", (_, bytes, message) => {
  expect(() => parseNpy(bytes)).toThrow(message);
});
