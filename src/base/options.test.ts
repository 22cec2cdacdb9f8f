// Options: unknown names and wrong values are refused in words.
import { expect, test } from "vitest";
import { checkOptions, count, flag, oneOf, type Rules } from "./options.ts";

interface Options {
  layers?: number;
  pooling?: string;
  l2?: boolean;
}
const rules: Rules<Options> = { layers: count, pooling: oneOf("none", "mean"), l2: flag };
const refusal = (given: unknown) => () => checkOptions(given as Options, rules, "embed", { normalize: "l2" });

test("right options and undefined ones pass", () => {
  expect(refusal({})).not.toThrow();
  expect(refusal({ layers: 2, pooling: "mean", l2: undefined })).not.toThrow();
});

test.each([
  [{ layer: 2 }, 'embed has no option "layer". Did you mean layers?'],
  [{ normalize: true }, 'embed has no option "normalize". Did you mean l2?'],
  [{ temperature: 1 }, 'embed has no option "temperature". The options are layers, pooling, l2.'],
  [{ toString: 1 }, 'embed has no option "toString". The options are layers, pooling, l2.'],
  [{ pooling: "max" }, 'The option pooling of embed is "max". Give "none" or "mean".'],
  [{ layers: 0.5 }, "The option layers of embed is 0.5. Give a whole number from 1."],
  [{ l2: null }, "The option l2 of embed is null. Give true or false."],
  ["mean", 'The options of embed are "mean". Give an object such as { layers: … }.'],
  [null, "The options of embed are null. Give an object such as { layers: … }."],
])("%o", (given, message) => {
  expect(refusal(given)).toThrow(message);
});
