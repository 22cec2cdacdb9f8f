// Pickled configurations as plain objects, without the wrappers of fairseq, omegaconf, argparse and NumPy.
import { halfToFloat } from "../../base/dtypes.ts";
import { FormatError } from "../../base/errors.ts";
import { isMade, isName, isObject, type PickleObject, type PickleValue } from "./values.ts";

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

const maxDepth = 64;
const maxValues = 200_000;
/** Limit of the length of all keys and texts together; shared ones count each time. */
const maxCharacters = 2 ** 24;

/** A pickled value in the form of JSON. Namespaces and omegaconf's containers become objects and lists, enums their value,
 *  NumPy's scalars numbers, classes their name, paths text; values without a plain form, such as tensors, become null.
 *  @throws FormatError when the value is nested or expands beyond what configurations need. */
export function plainValue(value: PickleValue): Plain {
  let values = 0;
  let characters = 0;
  const plain = (each: PickleValue, depth: number): Plain => {
    if (typeof each === "string") characters += each.length;
    if (depth > maxDepth || ++values > maxValues || characters > maxCharacters)
      throw new FormatError("A pickled configuration nests or unfolds without end: the checkpoint is corrupt or hostile.");
    const within = (child: PickleValue) => plain(child, depth + 1);
    if (each === null || typeof each !== "object") return typeof each === "bigint" ? Number(each) : each;
    if (Array.isArray(each)) return each.map(within);
    if (each instanceof Set) return Array.from(each, within);
    if (each instanceof Map) {
      const entries = [...each].filter(([key]) => key !== "__proto__" && (typeof key === "string" || typeof key === "number"));
      return Object.fromEntries(entries.map(([key, child]) => [String(key), within(child)]));
    }
    if (isName(each)) return each.name;
    if (isObject(each)) {
      const inner = unwrapped(each);
      return typeof inner === "object" && inner !== null ? within(inner) : plain(inner, depth);
    }
    return null;
  };
  return plain(value, 0);
}

/** The plain value of an inert object. */
function unwrapped(object: PickleObject): PickleValue {
  const { class: name, args, state, entries, items } = object;
  if (name === "numpy.core.multiarray.scalar") return numpyScalar(args);
  if (name.startsWith("pathlib.")) return pathOf(args);
  if (state instanceof Map) {
    // omegaconf: containers keep `_content`, nodes `_val`; their `_parent` is a cycle.
    if (name.startsWith("omegaconf.")) return state.get("_content") ?? state.get("_val") ?? null;
    return state;
  }
  if (entries.size) return entries;
  if (items.length) return items;
  // An enum is constructed from its value.
  return args.length === 1 && !isMade(args[0]) ? args[0]! : null;
}

/** A path from its components; the first of an absolute path is "/". */
function pathOf(parts: readonly PickleValue[]): PickleValue {
  const texts = parts.filter((part) => typeof part === "string");
  return texts.length === parts.length ? texts.join("/").replace(/^\/\//, "/") : null;
}

/** A NumPy scalar from its dtype and bytes, such as the loss in a training state. */
function numpyScalar([dtype, data]: readonly PickleValue[]): PickleValue {
  const code = isObject(dtype) ? dtype.args[0] : null;
  const bytes = rawBytes(data);
  const read = typeof code === "string" ? scalarReaders.get(code) : undefined;
  if (!read || !bytes || bytes.length !== Number((code as string).slice(1))) return null;
  return read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

const scalarReaders = new Map<string, (view: DataView) => PickleValue>([
  ["f8", (view) => view.getFloat64(0, true)],
  ["f4", (view) => view.getFloat32(0, true)],
  ["f2", (view) => halfToFloat(view.getUint16(0, true))],
  ["i8", (view) => Number(view.getBigInt64(0, true))],
  ["i4", (view) => view.getInt32(0, true)],
  ["b1", (view) => view.getUint8(0) !== 0],
]);

/** Bytes, which protocols before 3 write as encoded text. */
function rawBytes(value: PickleValue | undefined): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return Uint8Array.from(value, (letter) => letter.charCodeAt(0));
  return isObject(value) && value.class === "_codecs.encode" && typeof value.args[0] === "string" ? rawBytes(value.args[0]) : undefined;
}
