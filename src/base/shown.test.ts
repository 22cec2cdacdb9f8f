// Quoted values in messages: bounded and printable, whatever they hold.
import { expect, test } from "vitest";
import { ConfigError } from "./errors.ts";
import { printable, shown } from "./shown.ts";

test("control characters, direction marks and lone surrogates are written as escapes", () => {
  expect(printable("a\x1b[31mred\x07\r\nb\u202ec\ud800\x9b")).toBe("a\\u001b[31mred\\u0007\\u000d\\nb\\u202ec\\ud800\\u009b");
  expect(printable("plain ünïcode 音楽 😀")).toBe("plain ünïcode 音楽 😀");
});

test("a text of any length is cut to eighty characters", () => {
  expect(printable("x".repeat(1e8))).toBe(`${"x".repeat(80)}…`);
  expect(printable("\x1b".repeat(80)).length).toBe(81);
});

test("values are shown by type, without entering them", () => {
  expect(shown("a\nb")).toBe('"a\\nb"');
  expect(shown([2, "a", null, [3], { b: 1 }])).toBe('[2, "a", null, […], {…}]');
  expect(shown(Array.from({ length: 1e6 }, (_, i) => i))).toMatch(/^\[0, 1, .*…\] \(1000000 entries\)$/);
  expect(shown(new Uint8Array(9))).toBe("Uint8Array of 9 bytes");
  expect(shown(new Map([[1, 2]]))).toBe("a dict of 1");
  expect(shown({ kind: "name", name: "os.system\x1b" })).toBe("a name os.system\\u001b");
  expect(shown({ a: 1 })).toBe("an object of 1 keys");
  expect(shown(12n)).toBe("12");
  expect(shown(1n << 4_000_000n)).toBe("an integer of more than 40 digits");
  expect([undefined, null, true, 1.5, () => 1].map((each) => shown(each))).toEqual(["undefined", "null", "true", "1.5", "a function"]);
});

test("a value that shares its parts forty levels deep, or contains itself, is shown at once", () => {
  let shared: unknown[] = [1];
  for (let i = 0; i < 40; i++) shared = [shared, shared];
  expect(shown(shared)).toBe("[[…], […]]");
  const loop: unknown[] = [];
  loop.push(loop);
  expect(shown(loop)).toBe("[[…]]");
});

test("an error's message carries no control characters but line breaks, and is bounded", () => {
  expect(new ConfigError("first\x1b[2J\nsecond").message).toBe("first\\u001b[2J\nsecond");
  expect(new ConfigError("x".repeat(1e7)).message.length).toBeLessThan(20_100);
});
