// The names that the pickle of a torch file may contain: storages, and the functions that construct tensors as checked views of them.
import { type DType, dtypeBytes, elementCount } from "../../base/dtypes.ts";
import { printable, shown } from "../../base/shown.ts";
import type { Fail, Maker, PickleRules } from "../pickle/machine.ts";
import { plainMakers, plainRules } from "../pickle/rules.ts";
import { isMade, isName, type PickleValue } from "../pickle/values.ts";
import { spanOf } from "../strided.ts";
import { storageClasses, storageItemBytes, type TorchStorage, type TorchTensor } from "./tensors.ts";

const storageDtypes = new Map<string, DType | undefined>([
  ...Object.entries(storageClasses).map(([name, dtype]) => [`torch.${name}`, dtype] as const),
  ["torch.storage.UntypedStorage", undefined],
  ["torch.UntypedStorage", undefined],
]);

/** Torch's older names of dtypes; the others are the same here. */
const dtypeNames = new Map<string, DType>([
  ...(Object.keys(dtypeBytes) as DType[]).map((dtype) => [`torch.${dtype}`, dtype] as const),
  ["torch.double", "float64"],
  ["torch.float", "float32"],
  ["torch.half", "float16"],
  ["torch.long", "int64"],
  ["torch.int", "int32"],
  ["torch.short", "int16"],
]);

/** A view may repeat elements (stride 0), but not turn a small file into a huge tensor. */
const maxRepeated = 2 ** 24;

const makers: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ...plainMakers,
  ["torch._utils._rebuild_tensor", (args, fail) => tensorOf(args, undefined, fail)],
  ["torch._utils._rebuild_tensor_v2", (args, fail) => tensorOf(args, undefined, fail)],
  ["torch._utils._rebuild_tensor_v3", (args, fail) => tensorOf(args, args[6], fail)],
  ["torch._utils._rebuild_parameter", ([data]) => data ?? null],
  ["torch._utils._rebuild_parameter_with_state", ([data]) => data ?? null],
  // A subclass, or a tensor with attributes: the function that constructs it, its type, its arguments.
  [
    "torch._tensor._rebuild_from_type_v2",
    ([name, , args], fail) => {
      const maker = isName(name) && name.name.startsWith("torch._utils.") ? makers.get(name.name) : undefined;
      return maker && Array.isArray(args) ? maker(args, fail) : fail("a tensor is made in an unknown way");
    },
  ],
]);

/** Names of torch that have a meaning only when they are called. */
const harmless =
  /^torch\.(Tensor|\w+Storage|float8_\w+|nn\.parameter\.Parameter|strided|sparse_coo|(contiguous|preserve)_format|channels_last|complex(64|128)|uint(16|32|64))$/;

/** The rules for torch's files: tensors, storages, dtypes and plain values. */
export const torchRules: PickleRules = {
  makers,
  isHarmless: (name) => storageDtypes.has(name) || dtypeNames.has(name) || harmless.test(name) || plainRules.isHarmless(name),
  persistent: storageOf,
};

/** A storage from its persistent id: ("storage", class, key, device, count), followed by a view of it in the legacy form. */
export function storageOf(id: PickleValue, fail: Fail): TorchStorage {
  if (!Array.isArray(id)) return fail("a persistent id is no tuple");
  const [what, type, key, , count, view] = id;
  if (what !== "storage") return fail(`a persistent id names ${shown(what)}, not a storage`);
  if (!isName(type) || !storageDtypes.has(type.name))
    return fail(`a storage is of ${isName(type) ? printable(type.name) : "no class"}, which is not supported`);
  if (typeof key !== "string" || key.length > 200 || !/^\w[\w.-]*$/.test(key)) return fail(`a storage has the key ${shown(key)}`);
  const dtype = storageDtypes.get(type.name);
  const [start, elements] = Array.isArray(view) ? [view[1], view[2]] : [0, count];
  return {
    kind: "storage",
    key,
    ...(dtype && { dtype }),
    start: whole(start, "storage's offset", fail),
    count: whole(elements, "storage's size", fail),
  };
}

/** A tensor from (storage, offset, shape, strides, …). dtype: given if the storage has none. */
function tensorOf([storage, offset, shape, strides]: readonly PickleValue[], dtypeName: PickleValue | undefined, fail: Fail): TorchTensor {
  if (!isMade(storage) || storage.kind !== "storage") return fail("a tensor has no storage");
  const held = storage as TorchStorage;
  const named = isName(dtypeName) ? dtypeName.name : undefined;
  const dtype =
    (named ? dtypeNames.get(named) : held.dtype) ??
    fail(`a tensor is of ${named === undefined ? "no dtype" : printable(named)}, which is not supported`);
  const tensor: TorchTensor = {
    kind: "tensor",
    storage: held,
    dtype,
    offset: whole(offset, "tensor's offset", fail),
    shape: wholes(shape, "tensor's shape", fail),
    strides: wholes(strides, "tensor's strides", fail),
  };
  const seen = () => `a ${dtype} tensor ${shown(tensor.shape)} with strides ${shown(tensor.strides)} at element ${tensor.offset}`;
  if (tensor.shape.length !== tensor.strides.length) fail(`${seen()} has not one stride an axis`);
  const elements = Math.floor((held.count * storageItemBytes(held)) / dtypeBytes[dtype]);
  if (tensor.offset + spanOf(tensor.shape, tensor.strides) > elements) {
    fail(`${seen()} goes past the end of storage ${held.key}, which has ${elements} elements`);
  }
  const total = elementCount(tensor.shape);
  if (total > elements && total > maxRepeated) fail(`${seen()} repeats the ${elements} elements of storage ${held.key} without end`);
  return tensor;
}

/** A copy: a pickle may go on changing the list that it gave. */
function wholes(value: PickleValue | undefined, what: string, fail: Fail): number[] {
  if (!Array.isArray(value) || value.length > 64) return fail(`a ${what} is no tuple of numbers`);
  return value.map((each) => whole(each, what, fail));
}

function whole(value: PickleValue | undefined, what: string, fail: Fail): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : fail(`a ${what} is ${shown(value)}`);
}
