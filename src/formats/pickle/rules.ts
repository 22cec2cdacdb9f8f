// The names that the pickle of a checkpoint may contain: plain containers, and configuration classes, which become inert records.
import type { Fail, Maker, PickleRules } from "./machine.ts";
import { isName, type PickleDict, type PickleValue, pickleObject } from "./values.ts";

/** Names whose calls have a value. */
export const plainMakers: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ["collections.OrderedDict", ([pairs], fail) => dictOf(pairs, fail)],
  ["collections.defaultdict", () => new Map()],
  ["builtins.set", ([items]) => new Set(Array.isArray(items) ? items : [])],
  ["builtins.frozenset", ([items]) => new Set(Array.isArray(items) ? items : [])],
  ["torch.Size", ([sizes]) => (Array.isArray(sizes) ? sizes : [])],
  // How protocols 0 and 1 describe an object: its class, its base and the base's state.
  ["copyreg._reconstructor", ([type]) => pickleObject(isName(type) ? type.name : "unknown", [])],
]);

/** Names that are allowed as values. Most are types that configurations mention; NumPy's scalars occur in training states. */
const harmlessNames = new Set([
  ...["dict", "list", "tuple", "int", "float", "str", "bool", "bytes", "bytearray", "complex", "object", "type", "slice", "range"].map(
    (name) => `builtins.${name}`,
  ),
  ...["scalar", "_reconstruct"].map((name) => `numpy.core.multiarray.${name}`),
  ...["ndarray", "dtype", "bool_", "float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8"].map(
    (name) => `numpy.${name}`,
  ),
  ...["PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath", "Path"].map((name) => `pathlib.${name}`),
  ...["datetime", "date", "time", "timedelta", "timezone"].map((name) => `datetime.${name}`),
  "numpy.core.numeric._frombuffer",
  "_codecs.encode",
  "_operator.getitem",
  "argparse.Namespace",
  "types.SimpleNamespace",
  "collections.deque",
  "collections.Counter",
  "torch.device",
  "torch.serialization._get_layout",
]);

/** Patterns of names: typing's types, and the classes and enums in configurations of fairseq, its extensions, and Lightning. */
const harmlessFamilies =
  /^(typing|numpy\.dtypes|omegaconf|fairseq|examples|mert_fairseq|pytorch_lightning|lightning(_fabric)?|fairseq_user_dir(_\d+)?)\./;

/** The rules for plain values and configurations. Nothing is executed, so the listed names are harmless.
 *  Other names are refused: a file that contains them is hostile or not a checkpoint. */
export const plainRules: PickleRules = {
  makers: plainMakers,
  isHarmless: (name) => harmlessNames.has(name) || harmlessFamilies.test(name),
};

function dictOf(pairs: PickleValue | undefined, fail: Fail): PickleDict {
  const dict: PickleDict = new Map();
  if (pairs === undefined) return dict;
  if (!Array.isArray(pairs)) return fail("it makes an OrderedDict of what is no list of pairs");
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) return fail("it makes an OrderedDict of what is no pair");
    dict.set(pair[0]!, pair[1]!);
  }
  return dict;
}
