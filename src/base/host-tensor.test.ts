// Host tensors: built from numbers, read back as float32.
import { expect, test } from "vitest";
import { hostTensor, int32Vector, toFloat32 } from "./host-tensor.ts";
import { roundHalfEven } from "./rounding.ts";

test.each(["float32", "float64", "int32", "int64", "uint8", "bool"] as const)("numbers become a %s tensor and come back", (dtype) => {
  const tensor = hostTensor([1, 0, 1], [3, 1], dtype);
  expect(tensor).toMatchObject({ dtype, shape: [3, 1] });
  expect(toFloat32(tensor)).toEqual(Float32Array.of(1, 0, 1));
});

test("an array that already is of the dtype is shared, others are copied", () => {
  const values = Float32Array.of(1, 2);
  expect(hostTensor(values, [2]).bytes.buffer).toBe(values.buffer);
  expect(hostTensor(values, [2], "float64").bytes.buffer).not.toBe(values.buffer);
});

test("values that do not fill the shape, and dtypes without an array, are refused", () => {
  expect(() => hostTensor([1, 2], [3])).toThrow("2 values do not fill the shape [3].");
  expect(() => hostTensor([1], [1], "bfloat16")).toThrow("A tensor of dtype bfloat16 can't be made from numbers");
});

test("counts are an int32 vector", () => {
  expect(int32Vector([3, 1])).toEqual(hostTensor(Int32Array.of(3, 1), [2], "int32"));
});

test("ties round to the even integer", () => {
  expect([-1.5, -0.5, 0.5, 1.5, 2.5, 2.4999].map(roundHalfEven).map((x) => x + 0)).toEqual([-2, 0, 0, 2, 2, 2]);
});
