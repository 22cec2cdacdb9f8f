// The comparison sees what "no NaN" doesn't.
import { expect, test } from "vitest";
import { compareStates, probeSignal } from "./compare.ts";

const wanted = Float32Array.of(1, 2, 3, 4, -1, 2);

test("equal values are equal, layer by layer", () => {
  const { cosines, worstCosine, worstRelativeError } = compareStates(wanted, wanted, 2);
  expect(cosines.length).toBe(2);
  expect(worstCosine).toBeCloseTo(1, 12);
  expect(worstRelativeError).toBe(0);
});

test("a wrong scale, one wrong layer, a NaN and a lost row all count", () => {
  expect(
    compareStates(
      wanted.map((x) => 2 * x),
      wanted,
      2,
    ).worstRelativeError,
  ).toBeCloseTo(1, 12); // cosine 1
  expect(compareStates(Float32Array.of(1, 2, 3, 4, 1, 2), wanted, 2).relativeErrors).toEqual([0, expect.closeTo(Math.sqrt(4 / 21), 9)]);
  expect(compareStates(wanted.with(4, Number.NaN), wanted, 2)).toMatchObject({ worstCosine: 0, worstRelativeError: Infinity });
  expect(compareStates(wanted.subarray(0, 5), wanted, 2).worstRelativeError).toBe(Infinity);
});

test("the probe is half a second, the same every time, within ±1", () => {
  const probe = probeSignal(16000);
  expect(probe.length).toBe(8000);
  expect(probe).toEqual(probeSignal(16000));
  expect(probe.every((x) => Math.abs(x) < 1)).toBe(true);
});
