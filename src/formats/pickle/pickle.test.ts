import { expect, test } from "vitest";
import { UnsafeFileError } from "../../base/errors.ts";
import { PickleEndError } from "./machine.ts";
import { plainValue } from "./plain.ts";
import { readPickle } from "./read.ts";
import { plainRules } from "./rules.ts";
import type { PickleValue } from "./values.ts";
import { encodePickle } from "./write.ts";

/** A pickle written as Latin-1 text. */
const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const read = (text: string) => readPickle(bytes(text), plainRules, "test").value;

test.each<[string, string, PickleValue]>([
  ["text numbers of protocol 0", "(lp0\nI1\naI01\naL5L\naF-2.5\na.", [1, true, 5, -2.5]],
  ["quoted text of protocol 0", "S'a\\n\\x41\\'b'\n.", "a\nA'b"],
  ["escaped text of protocol 0", "V\\u00e9\n.", "é"],
  ["a dict of protocol 0", "(dp0\nS'k'\np1\nNs.", new Map([["k", null]])],
  [
    "small and large integers",
    "(K\xffM\xff\xffJ\xff\xff\xff\xff\x8a\x01\x80\x8a\x00\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01t.",
    [255, 65535, -1, -128, 0, 2n ** 64n],
  ],
  ["floats", "G\xc0\x04\x00\x00\x00\x00\x00\x00.", -2.5],
  ["text and bytes", "\x80\x04(X\x02\x00\x00\x00\xc3\xa9\x8c\x01aU\x01\xe9C\x02\x00\xfft.", ["é", "a", "é", Uint8Array.of(0, 255)]],
  ["tuples of fixed length", "K\x01\x85K\x02K\x03\x86K\x04K\x05K\x06\x87\x87.", [[1], [2, 3], [4, 5, 6]]],
  ["sets", "\x80\x04\x8f(K\x01K\x02\x90.", new Set([1, 2])],
  ["frozen sets", "\x80\x04(K\x01\x91.", new Set([1])],
  ["frames and the memo of protocol 4", "\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00]\x94(h\x00K\x07e0h\x000K\x09.", 9],
  ["marks that are taken back", "K\x01(K\x02K\x031(0.", 1],
  ["a value taken twice", "K\x012\x86.", [1, 1]],
])("%s are read", (_, pickle, value) => {
  expect(read(pickle)).toEqual(value);
});

test("an OrderedDict is a dict, made empty or from pairs", () => {
  expect(read("ccollections\nOrderedDict\n)RU\x01aK\x01s.")).toEqual(new Map([["a", 1]]));
  expect(read("ccollections\nOrderedDict\n(]]U\x01aaK\x01aatR.")).toEqual(new Map([["a", 1]]));
});

test("Namespaces, omegaconf's containers, enums, paths and NumPy's scalars become plain", () => {
  const namespace = "cargparse\nNamespace\n)\x81}U\x02lrG?\xe0\x00\x00\x00\x00\x00\x00sb";
  expect(plainValue(read(`${namespace}.`))).toEqual({ lr: 0.5 });
  const node = "comegaconf.nodes\nAnyNode\n)\x81}U\x04_valK\x05sb";
  const config = `comegaconf.dictconfig\nDictConfig\n)\x81q\x00}(U\x08_content}U\x01n${node}sU\x07_parenth\x00ub`;
  expect(plainValue(read(`${config}.`))).toEqual({ n: 5 });
  expect(plainValue(read("cfairseq.dataclass.constants\nDDP_BACKEND\nU\x05c10d\n\x85R."))).toBe("c10d\n");
  expect(plainValue(read("cpathlib\nPosixPath\n(U\x01/U\x01aU\x01btR."))).toBe("/a/b");
  expect(plainValue(read("cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02i4\x85RC\x04\x07\x00\x00\x00\x86R."))).toBe(7);
  expect(plainValue(read("ctorch\nSize\n(K\x02K\x03t\x85R."))).toEqual([2, 3]);
});

test.each([
  "cos\nsystem\n.",
  "(S'touch x'\nios\nsystem\n.",
  "\x80\x04\x8c\x08builtins\x8c\x04eval\x93.",
  "c__builtin__\nexec\n.",
  "cfairseq\n\nx.",
  "ctorch.storage\n_load_from_bytes\n.",
])("what is not on the list is refused by name: %j", (pickle) => {
  expect(() => read(pickle)).toThrow(pickle.startsWith("cfairseq") ? /./ : UnsafeFileError);
});

test("a configuration can't reach a prototype", () => {
  const plain = plainValue(read("}(U\x09__proto__}U\x08pollutedK\x01sU\x01aK\x02u.")) as Record<string, unknown>;
  expect(plain).toEqual({ a: 2 });
  expect(plain.polluted).toBeUndefined();
});

test("a pickle that goes in circles is read, but has no plain form", () => {
  const circle = read("]q\x00h\x00a.") as PickleValue[];
  expect(circle[0]).toBe(circle);
  expect(() => plainValue(circle)).toThrow("without end");
});

test.each([
  ["K", PickleEndError],
  ["X\xff\xff\xff\x7fa", PickleEndError],
  ["\x8e\xff\xff\xff\xff\xff\xff\xff\xff", PickleEndError],
  ["0.", "takes more values than it made"],
  ["(\x86.", "takes more values than it made"],
  ["K\x01K\x02a.", "appends to what is no list"],
  ["]K\x01K\x02s.", "sets keys of what is no dict"],
  ["}(K\x01u.", "without a value"],
  ["K\x01)R.", "calls what is no class"],
  ["ccollections\nOrderedDict\nK\x01R.", "without a tuple"],
  ["I9e9\n.", 'holds the number "9e9"'],
  ["U\x01xQ.", "persistent id outside of a torch file"],
])("%j is refused", (pickle, error) => {
  expect(() => read(pickle)).toThrow(error);
});

test("a small file can't cause much work", () => {
  // A list of 60,000, made a set 1,000 times over.
  const list = `](${"N".repeat(60_000)}eq\x00`;
  const sets = `cbuiltins\nset\nq\x01${"0h\x01h\x00\x85R".repeat(1000)}`;
  expect(() => read(`${list}${sets}.`)).toThrow("more than 8000000 operations");
  expect(() => read("]".repeat(1_000_001))).toThrow("more than 1000000 containers");
});

test("what is written is read again", () => {
  const value = new Map<string, PickleValue>([
    ["a", [1, -1.5, null, true, "é", 2n ** 90n, -(2n ** 40n), -0]],
    ["b", new Map([[0, "x"]])],
    ["c", []],
  ]);
  expect(readPickle(encodePickle(value as never), plainRules, "test").value).toEqual(
    new Map([...value].map(([k, v]) => [k, k === "a" ? [1, -1.5, null, true, "é", 2n ** 90n, -(2 ** 40), -0] : v])),
  );
});
