// Quantised weights: what they stand for is near the weights, and weights that are not finite are refused.
import { expect, test } from "vitest";
import { hostTensor } from "../../base/host-tensor.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import type { Program } from "../../ops/program.ts";
import { onnxEngine } from "./engine.node.ts";
import { blockScales, blocks4, quantise8 } from "./weight-forms.ts";

const weights = () => fillGaussian(seeded(3), new Float32Array(5 * 70), 0.2);

test("8-bit weights are within half a step of the weights, with the largest of each row at 127", () => {
  const values = weights();
  values.fill(0, 70, 140); // a row of zeros
  const { levels, scales } = quantise8("w", values, 5);
  for (let row = 0; row < 5; row++) {
    const own = levels.subarray(row * 70, (row + 1) * 70);
    expect(Math.max(...own.map(Math.abs))).toBe(row === 1 ? 0 : 127);
    for (const [i, level] of own.entries()) {
      expect(Math.abs(level * scales[row]! - values[row * 70 + i]!)).toBeLessThanOrEqual(0.5001 * scales[row]!);
    }
  }
});

test("4-bit weights are within a step of the weights, in blocks of 32 of a row", () => {
  const values = weights();
  const [packed, scales] = [blocks4("w", values, 70), blockScales("w", values, 70)];
  expect([packed.length, scales.length]).toEqual([5 * 3 * 16, 5 * 3]);
  for (let i = 0; i < values.length; i++) {
    const [row, column] = [Math.floor(i / 70), i % 70];
    const block = row * 3 + Math.floor(column / 32);
    const byte = packed[block * 16 + ((column % 32) >> 1)]!;
    const level = (column % 2 === 0 ? byte & 15 : byte >> 4) - 8;
    expect(Math.abs(level * scales[block]! - values[i]!)).toBeLessThanOrEqual(Math.abs(scales[block]!));
  }
  expect(packed.at(-1)).toBe(0x88); // beyond the row's 70 entries: zeros
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("a weight of %f is refused by name", (value) => {
  const values = weights();
  values[123] = value;
  for (const quantise of [() => quantise8("layers.3.fc1.weight", values, 5), () => blocks4("layers.3.fc1.weight", values, 70)]) {
    expect(quantise).toThrow(`The weight layers.3.fc1.weight has the value ${value} at index 123, which can't be quantised.`);
  }
});

test("a session refuses such a checkpoint, where it would have read the row as zeros", async () => {
  const values = fillGaussian(seeded(1), new Float32Array(64 * 32), 1);
  values[40] = Number.NaN;
  const program: Program = {
    name: "linear",
    inputs: { x: { dtype: "float32", shape: ["batch", "frames", 32] } },
    params: { "fc1.weight": { shape: [64, 32], init: { constant: 0 } } },
    run: (ops, params, { x }) => ({ y: ops.linear(x!, params.get("fc1.weight"), undefined) }),
  };
  const reader = { read: async () => hostTensor(values, [64, 32]) };
  for (const dtype of ["q8", "q4"] as const) {
    await expect(onnxEngine({ threads: 1, dtype }).prepare(program, reader)).rejects.toThrow(
      "The weight fc1.weight has the value NaN at index 40",
    );
  }
});
