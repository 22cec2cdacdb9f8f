// Half precision, bit by bit.
import { expect, test } from "vitest";
import { floatToHalf, halfToFloat } from "./dtypes.ts";

test("every float16 survives the way to float32 and back", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = halfToFloat(bits);
    if (Number.isNaN(value)) expect(halfToFloat(floatToHalf(value))).toBeNaN();
    else if (floatToHalf(value) !== bits) expect.fail(`${bits.toString(16)} came back as ${floatToHalf(value).toString(16)}`);
  }
});

test("numbers between two halves go to the nearer, and from the middle to the even one", () => {
  const step = 2 ** -10;
  expect(halfToFloat(floatToHalf(1 + 0.4 * step))).toBe(1);
  expect(halfToFloat(floatToHalf(1 + 0.6 * step))).toBe(1 + step);
  expect(halfToFloat(floatToHalf(1 + 0.5 * step))).toBe(1);
  expect(halfToFloat(floatToHalf(1 + 1.5 * step))).toBe(1 + 2 * step);
  expect(halfToFloat(floatToHalf(65519))).toBe(65504);
  expect(halfToFloat(floatToHalf(65520))).toBe(Number.POSITIVE_INFINITY);
  expect(halfToFloat(floatToHalf(2 ** -25))).toBe(0);
  expect(halfToFloat(floatToHalf(1.5 * 2 ** -25))).toBe(2 ** -24);
});
