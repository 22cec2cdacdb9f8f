// The operations of pickle protocols 0 to 5 (CPython's Lib/pickletools.py describes each), as a table from operation code to function.
import { shown } from "../../base/shown.ts";
import type { Machine } from "./machine.ts";
import { isObject, type PickleDict, type PickleValue } from "./values.ts";

type Operation = (m: Machine) => void;

const constants: Record<string, Operation> = {
  N: (m) => m.push(null),
  "\x88": (m) => m.push(true),
  "\x89": (m) => m.push(false),
};

const numbers: Record<string, Operation> = {
  I: (m) => {
    const text = m.line();
    m.push(text === "00" ? false : text === "01" ? true : wholeNumber(m, text));
  },
  L: (m) => m.push(wholeNumber(m, m.line().replace(/L$/, ""))),
  F: (m) => m.push(Number(m.line().replace("nan", "NaN").replace("inf", "Infinity"))),
  J: (m) => m.push(m.int32()),
  K: (m) => m.push(m.uint8()),
  M: (m) => m.push(m.uint16()),
  G: (m) => m.push(m.float64()),
  "\x8a": (m) => m.push(twosComplement(m, m.take(m.uint8()))),
  "\x8b": (m) => m.push(twosComplement(m, m.take(m.uint32()))),
};

const texts: Record<string, Operation> = {
  S: (m) => m.push(unquoted(m, m.line())),
  T: (m) => m.push(latin1(m.take(m.uint32()))),
  U: (m) => m.push(latin1(m.take(m.uint8()))),
  V: (m) => m.push(m.line().replace(/\\u([0-9a-fA-F]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))),
  X: (m) => m.push(m.text(m.uint32())),
  "\x8c": (m) => m.push(m.text(m.uint8())),
  "\x8d": (m) => m.push(m.text(m.uint64())),
  B: (m) => m.push(m.take(m.uint32())),
  C: (m) => m.push(m.take(m.uint8())),
  "\x8e": (m) => m.push(m.take(m.uint64())),
  "\x96": (m) => m.push(m.take(m.uint64())),
};

const containers: Record<string, Operation> = {
  ")": (m) => m.push(m.contain([])),
  t: (m) => m.push(m.contain(m.popMark())),
  "\x85": (m) => m.push(m.contain(m.popMany(1))),
  "\x86": (m) => m.push(m.contain(m.popMany(2))),
  "\x87": (m) => m.push(m.contain(m.popMany(3))),
  "]": (m) => m.push(m.contain([])),
  l: (m) => m.push(m.contain(m.popMark())),
  a: (m) => {
    const item = m.pop();
    append(m, [item]);
  },
  e: (m) => append(m, m.popMark()),
  "}": (m) => m.push(m.contain(new Map())),
  d: (m) => {
    const pairs = m.popMark();
    m.push(m.contain(new Map()));
    setItems(m, pairs);
  },
  s: (m) => setItems(m, m.popMany(2)),
  u: (m) => setItems(m, m.popMark()),
  "\x8f": (m) => m.push(m.contain(new Set<PickleValue>())),
  "\x90": (m) => {
    const items = m.popMark();
    const set = m.top();
    if (!(set instanceof Set)) return m.fail("it adds to what is no set");
    for (const item of items) set.add(item);
  },
  "\x91": (m) => m.push(m.contain(new Set(m.popMark()))),
};

const stack: Record<string, Operation> = {
  "(": (m) => m.mark(),
  "0": (m) => void (m.hasOpenMark() ? m.popMark() : m.pop()),
  "1": (m) => void m.popMark(),
  "2": (m) => m.push(m.top()),
};

const memo: Record<string, Operation> = {
  p: (m) => void m.memo.set(Number(m.line()), m.top()),
  q: (m) => void m.memo.set(m.uint8(), m.top()),
  r: (m) => void m.memo.set(m.uint32(), m.top()),
  "\x94": (m) => void m.memo.set(m.memo.size, m.top()),
  g: (m) => remember(m, Number(m.line())),
  h: (m) => remember(m, m.uint8()),
  j: (m) => remember(m, m.uint32()),
};

const objects: Record<string, Operation> = {
  c: (m) => {
    const module = m.line();
    m.push(m.global(module, m.line()));
  },
  "\x93": (m) => {
    const [module, name] = m.popMany(2);
    if (typeof module !== "string" || typeof name !== "string") return m.fail("it names a class by something other than text");
    m.push(m.global(module, name));
  },
  R: (m) => {
    const [callee, args] = m.popMany(2);
    m.push(m.call(callee!, args!));
  },
  "\x81": (m) => {
    const [callee, args] = m.popMany(2);
    m.push(m.call(callee!, args!));
  },
  "\x92": (m) => {
    const [callee, args] = m.popMany(3);
    m.push(m.call(callee!, args!));
  },
  i: (m) => {
    const module = m.line();
    const name = m.global(module, m.line());
    m.push(m.call(name, m.popMark()));
  },
  o: (m) => {
    const [callee, ...args] = m.popMark();
    m.push(m.call(callee ?? m.fail("it makes an object without a class"), args));
  },
  b: (m) => {
    const state = m.pop();
    const target = m.top();
    // Attributes of dicts and tensors (a state dict's `_metadata`) are ignored.
    if (isObject(target)) target.state = state;
  },
  P: (m) => m.push(m.persistent(m.line())),
  Q: (m) => m.push(m.persistent(m.pop())),
};

const framing: Record<string, Operation> = {
  "\x80": (m) => {
    const protocol = m.uint8();
    if (protocol > 5) m.fail(`it has protocol ${protocol}; up to 5 can be read`);
  },
  "\x95": (m) => void m.skip(8),
};

/** The function of each code, except STOP, which ends the reading, and except extension codes and out-of-band buffers, which
 *  checkpoints do not contain. */
export const operations: readonly (Operation | undefined)[] = tableOf({
  ...constants,
  ...numbers,
  ...texts,
  ...containers,
  ...stack,
  ...memo,
  ...objects,
  ...framing,
});

export const stop = 0x2e;

function tableOf(byCharacter: Record<string, Operation>): (Operation | undefined)[] {
  const table = new Array<Operation | undefined>(256).fill(undefined);
  for (const [character, operation] of Object.entries(byCharacter)) table[character.charCodeAt(0)] = operation;
  return table;
}

function append(m: Machine, items: readonly PickleValue[]): void {
  const list = m.top();
  const target = Array.isArray(list) ? list : isObject(list) ? list.items : m.fail("it appends to what is no list");
  for (const item of items) target.push(item);
}

function setItems(m: Machine, pairs: readonly PickleValue[]): void {
  const dict = m.top();
  const target: PickleDict = dict instanceof Map ? dict : isObject(dict) ? dict.entries : m.fail("it sets keys of what is no dict");
  if (pairs.length % 2) m.fail("a key comes without a value");
  for (let i = 0; i < pairs.length; i += 2) target.set(pairs[i]!, pairs[i + 1]!);
}

function remember(m: Machine, slot: number): void {
  const value = m.memo.get(slot);
  m.push(value === undefined ? m.fail(`it recalls memo ${slot}, which was never set`) : value);
}

function wholeNumber(m: Machine, text: string): number | bigint {
  if (text.length > 1010 || !/^\s*-?\d{1,1000}\s*$/.test(text)) m.fail(`it holds the number ${shown(text)}`);
  m.spend(text.length >> 3);
  return narrowed(BigInt(text));
}

function twosComplement(m: Machine, bytes: Uint8Array): number | bigint {
  if (bytes.length > 1000) m.fail(`it holds a number of ${bytes.length} bytes`);
  m.spend(bytes.length >> 3);
  if (bytes.length === 0) return 0;
  let hex = "0x";
  for (let i = bytes.length - 1; i >= 0; i--) hex += hexDigits[bytes[i]!]!;
  return narrowed(BigInt.asIntN(8 * bytes.length, BigInt(hex)));
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Python's integers are unbounded: a number if it is exact, else a bigint. */
function narrowed(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}

/** Python's repr of a string, as protocol 0 writes it. */
function unquoted(m: Machine, text: string): string {
  const inner = /^(["'])(.*)\1$/s.exec(text.trim())?.[2];
  if (inner === undefined) return m.fail("it holds text without quotes");
  const letters: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
  return inner.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (_, hex: string | undefined, letter: string) =>
    hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (letters[letter] ?? letter),
  );
}
