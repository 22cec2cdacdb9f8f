// Writing pickles: plain values in protocol 2, which every version of Python reads.
import { concatBytes } from "../../base/bytes.ts";

/** What can be pickled: plain values, tuples, names and calls of them, and references to data outside the pickle. */
export type Picklable =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Picklable[]
  | PickleTuple
  | ReadonlyMap<string | number, Picklable>
  | PickleCall
  | PickleReference;

export interface PickleTuple {
  readonly tuple: readonly Picklable[];
}

/** A call of a class or function: `collections.OrderedDict()`. Without arguments, only the name. */
export interface PickleCall {
  readonly module: string;
  readonly name: string;
  readonly args?: readonly Picklable[];
}

/** A persistent id: a reference to data outside the pickle. */
export interface PickleReference {
  readonly persistent: Picklable;
}

/** The pickle of a value. Whole numbers become int, others float; use a bigint for whole numbers beyond 2^53. */
export function encodePickle(value: Picklable): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x80, 2)];
  encode(value, parts);
  parts.push(ascii("."));
  return concatBytes(parts);
}

function encode(value: Picklable, parts: Uint8Array[]): void {
  if (value === null) parts.push(ascii("N"));
  else if (typeof value === "boolean") parts.push(ascii(value ? "\x88" : "\x89"));
  else if (typeof value === "string") parts.push(...sized("X", new TextEncoder().encode(value)));
  else if (typeof value === "bigint") parts.push(wholeNumber(value));
  else if (typeof value === "number") parts.push(number(value));
  else if (isList(value)) sequence("]", "e", value, parts);
  else if (value instanceof Map) {
    sequence("}", "u", [...(value as ReadonlyMap<string | number, Picklable>)].flat(1) as Picklable[], parts);
  } else encodeRecord(value as PickleTuple | PickleCall | PickleReference, parts);
}

function encodeRecord(value: PickleTuple | PickleCall | PickleReference, parts: Uint8Array[]): void {
  if ("tuple" in value) {
    parts.push(ascii("("));
    for (const each of value.tuple) encode(each, parts);
    parts.push(ascii("t"));
  } else if ("persistent" in value) {
    encode(value.persistent, parts);
    parts.push(ascii("Q"));
  } else {
    parts.push(ascii(`c${value.module}\n${value.name}\n`));
    if (!value.args) return;
    encode({ tuple: value.args }, parts);
    parts.push(ascii("R"));
  }
}

/** An empty container, then its items between a mark and the operation that adds them. */
function sequence(empty: string, put: string, items: readonly Picklable[], parts: Uint8Array[]): void {
  parts.push(ascii(empty));
  if (!items.length) return;
  parts.push(ascii("("));
  for (const item of items) encode(item, parts);
  parts.push(ascii(put));
}

function number(value: number): Uint8Array {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return wholeNumber(BigInt(value));
  const bytes = new Uint8Array(9);
  bytes[0] = 0x47;
  new DataView(bytes.buffer).setFloat64(1, value, false);
  return bytes;
}

/** BININT where 32 bits are enough, else LONG1: little-endian two's complement. */
function wholeNumber(value: bigint): Uint8Array {
  if (BigInt.asIntN(32, value) === value) {
    const bytes = new Uint8Array(5);
    bytes[0] = 0x4a;
    new DataView(bytes.buffer).setInt32(1, Number(value), true);
    return bytes;
  }
  let count = 5;
  while (BigInt.asIntN(8 * count, value) !== value) count++;
  return Uint8Array.from([0x8a, count, ...Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))]);
}

function sized(code: string, bytes: Uint8Array): Uint8Array[] {
  const head = new Uint8Array(5);
  head[0] = code.charCodeAt(0);
  new DataView(head.buffer).setUint32(1, bytes.length, true);
  return [head, bytes];
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function isList(value: Picklable): value is readonly Picklable[] {
  return Array.isArray(value);
}
