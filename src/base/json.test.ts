// JSON of others: what is well-formed parses as JSON.parse has it, what is hostile is refused early.
import { expect, test } from "vitest";
import { FormatError } from "./errors.ts";
import { parseJson } from "./json.ts";

test("a well-formed text gives what JSON.parse gives", () => {
  const value = { a: [1, 2.5, "x,y{[", null, true, { b: 'quote " and \\ ', "k\n": [] }], "": "\u2028", ä: {} };
  expect(parseJson(JSON.stringify(value), "it")).toEqual(value);
  expect(parseJson(JSON.stringify(value, null, 2), "it")).toEqual(value);
  expect(parseJson('"\\\\"', "it")).toBe("\\");
});

test("a key that stands twice is refused, however it is spelt; equal keys of different objects are not", () => {
  for (const text of ['{"a":1,"a":2}', '{"x":{"a" : 1, "\\u0061":2}}', '[{"a":1,"b":[{"c":1}],"a":1}]']) {
    expect(() => parseJson(text, "it")).toThrow("it names the key a twice");
  }
  expect(parseJson('{"a":{"a":"a"},"b":{"a":["a","a"]}}', "it")).toEqual({ a: { a: "a" }, b: { a: ["a", "a"] } });
});

test("depth and number of values are bounded before anything is built", () => {
  expect(() => parseJson("[".repeat(1e7), "it")).toThrow("it nests more than 64 levels deep");
  expect(() => parseJson(`[${"0,".repeat(2e6)}0]`, "it")).toThrow("it holds more than 1000000 values");
  expect(() => parseJson(`{${'"a":{"b":[1]},'.repeat(9)}`, "it", { values: 5 })).toThrow(FormatError);
  expect(parseJson(`${"[".repeat(64)}${"]".repeat(64)}`, "it")).toHaveLength(1);
});

test("what is not JSON is refused with one of our errors, whatever it is", () => {
  for (const text of ["", "{", '{"a', '"\\', "]]]", '{"a":1}}', "nul", '{"a":1,}', "\u0000", '{"__proto__":1,"__proto__":2}']) {
    expect(() => parseJson(text, "it")).toThrow(FormatError);
  }
});
