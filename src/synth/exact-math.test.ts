import { expect, test } from "vitest";
import { cosTurns, exp, exp2, fromDecibels, log2, midiHertz, power, sinTurns } from "./exact-math.ts";

test("sines, powers and logarithms equal the language's to ten digits", () => {
  for (let x = -9; x < 9; x += 0.0371) {
    expect(sinTurns(x)).toBeCloseTo(Math.sin(2 * Math.PI * x), 10);
    expect(cosTurns(x)).toBeCloseTo(Math.cos(2 * Math.PI * x), 10);
    expect(exp2(x) / 2 ** x).toBeCloseTo(1, 11);
    expect(exp(x) / Math.exp(x)).toBeCloseTo(1, 11);
    expect(log2(2 ** x * 1.2345)).toBeCloseTo(Math.log2(2 ** x * 1.2345), 11);
  }
  expect(power(3, 2.5)).toBeCloseTo(3 ** 2.5, 9);
  expect(exp2(10)).toBe(1024);
  expect(log2(0)).toBe(-128);
});

test("decibels and midi notes are the usual ones", () => {
  expect(fromDecibels(-20)).toBeCloseTo(0.1, 12);
  expect(midiHertz(69)).toBe(440);
  expect(midiHertz(60)).toBeCloseTo(261.6256, 4);
});
