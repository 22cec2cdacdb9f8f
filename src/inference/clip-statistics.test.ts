// Clip statistics: one pass in pieces of any size gives what the whole at once would, offset or not.
import { expect, test } from "vitest";
import { fillGaussian, seeded } from "../base/random.ts";
import { gatherStatistics, momentInputs } from "./clip-statistics.ts";
import { normalise } from "./input-normalisation.ts";
import { rowBuffer } from "./row-buffer.ts";

const model = { normWindows: { size: 10, stride: 5 } };
const signal = fillGaussian(seeded(3), new Float32Array(50_003), 0.001).map((x) => x + 0.7);

/** Mean and covariance of the windows, the plain way. */
function direct(x: ArrayLike<number>) {
  const count = Math.floor((x.length - 10) / 5) + 1;
  const mean = Float64Array.from({ length: 10 }, (_, i) => {
    let sum = 0;
    for (let w = 0; w < count; w++) sum += x[5 * w + i]!;
    return sum / count;
  });
  const covariance = Float64Array.from({ length: 100 }, (_, at) => {
    const [i, j] = [Math.floor(at / 10), at % 10];
    let sum = 0;
    for (let w = 0; w < count; w++) sum += (x[5 * w + i]! - mean[i]!) * (x[5 * w + j]! - mean[j]!);
    return sum / count;
  });
  return { mean, covariance };
}

const largest = (a: Float64Array, b: Float64Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

test.each([50_003, 4096, 13, 3])("pieces of %d samples give the moments of the whole clip", (size) => {
  const gathering = gatherStatistics(model);
  for (let at = 0; at < signal.length; at += size) gathering.push(signal.subarray(at, at + size));
  const { samples, mean, variance, windows } = gathering.statistics();
  const wanted = direct(signal);
  expect(samples).toBe(signal.length);
  expect(mean).toBeCloseTo(signal.reduce((sum, x) => sum + x, 0) / signal.length, 6);
  expect(Math.abs(variance / 1e-6 - 1)).toBeLessThan(0.02);
  expect(largest(windows!.mean, wanted.mean)).toBeLessThan(1e-13);
  expect(largest(windows!.covariance, wanted.covariance) / wanted.covariance[0]!).toBeLessThan(1e-9);
});

test("the moments of a normalised clip are those of its normalised samples", () => {
  const gathering = gatherStatistics(model);
  gathering.push(signal);
  const statistics = gathering.statistics();
  const inputs = momentInputs({ ...statistics, windows: statistics.windows! }, true);
  const wanted = direct(normalise(signal));
  const values = (bytes: Uint8Array) => new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  expect(largest(values(inputs.mean.bytes), wanted.mean)).toBeLessThan(1e-6);
  expect(largest(values(inputs.covariance.bytes), wanted.covariance)).toBeLessThan(1e-6);
});

test("a model without a norm over time gathers no moments", () => {
  const gathering = gatherStatistics({});
  gathering.push(signal);
  expect(gathering.statistics().windows).toBeUndefined();
});

test("a row buffer gives rows back across its parts, and not those it has dropped", () => {
  const rows = rowBuffer(2);
  rows.append(Float32Array.of(0, 1, 2, 3));
  rows.append(Float32Array.of(4, 5));
  rows.append(Float32Array.of(6, 7, 8, 9));
  expect(rows.end).toBe(5);
  expect([...rows.cut(1, 4)]).toEqual([2, 3, 4, 5, 6, 7]);
  rows.dropBefore(2);
  expect([...rows.cut(2, 5)]).toEqual([4, 5, 6, 7, 8, 9]);
  expect(() => rows.cut(1, 3)).toThrow("Rows 1 to 3 are not held.");
  expect(() => rows.cut(4, 6)).toThrow(RangeError);
});
