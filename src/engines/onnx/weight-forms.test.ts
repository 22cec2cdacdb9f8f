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
  const { levels, scales } = quantise8("w", values, { outputs: 5, inputs: 70, taps: 1 });
  for (let row = 0; row < 5; row++) {
    const own = levels.subarray(row * 70, (row + 1) * 70);
    expect(Math.max(...own.map(Math.abs))).toBe(row === 1 ? 0 : 127);
    for (const [i, level] of own.entries()) {
      expect(Math.abs(level * scales[row]! - values[row * 70 + i]!)).toBeLessThanOrEqual(0.5001 * scales[row]!);
    }
  }
});

/** A product of uint8 and int8 as x86 without VNNI computes it: sums of two neighbouring products are limited to 16 bits. */
function saturatedProduct(activations: Uint8Array, levels: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < levels.length; k += 2) {
    const pair = activations[k]! * levels[k]! + (activations[k + 1] ?? 0) * (levels[k + 1] ?? 0);
    sum += Math.min(32767, Math.max(-32768, pair));
  }
  return sum;
}

test.each([
  { outputs: 4, inputs: 96, taps: 1 },
  { outputs: 4, inputs: 16, taps: 3 },
  { outputs: 4, inputs: 1, taps: 9 },
  { outputs: 4, inputs: 5, taps: 3 },
])("weights for saturating products never saturate: $inputs inputs, $taps taps", (shape) => {
  const { outputs, inputs, taps } = shape;
  const depth = inputs * taps;
  const uniform = seeded(5);
  const values = Float32Array.from({ length: outputs * depth }, () => (uniform() < 0.5 ? 1 : -1) * (0.8 + 0.2 * uniform()));
  const differs = { saturating: 0, plain: 0 };
  for (const kind of ["saturating", "plain"] as const) {
    const { levels } = quantise8("w", values, shape, { saturating: kind === "saturating" });
    for (let row = 0; row < outputs; row++) {
      const ordered = Array.from({ length: depth }, (_, k) => levels[row * depth + (k % inputs) * taps + Math.floor(k / inputs)]!);
      for (const sign of [1, -1]) {
        const worst = Uint8Array.from(ordered, (level) => (sign * level > 0 ? 255 : 0));
        const exact = ordered.reduce((sum, level, k) => sum + level * worst[k]!, 0);
        if (saturatedProduct(worst, ordered) !== exact) differs[kind]++;
      }
    }
  }
  expect(differs.saturating).toBe(0);
  expect(differs.plain).toBeGreaterThan(0);
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
  for (const quantise of [
    () => quantise8("layers.3.fc1.weight", values, { outputs: 5, inputs: 70, taps: 1 }),
    () => blocks4("layers.3.fc1.weight", values, 70),
  ]) {
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
