// Writing PyTorch checkpoints: the zip form, which torch.load opens also with weights_only, with one tensor in memory at a time.

import { dtypeBytes, elementCount } from "../../base/dtypes.ts";
import { ShapeError } from "../../base/errors.ts";
import type { HostTensor } from "../../base/host-tensor.ts";
import { encodePickle, type Picklable } from "../pickle/write.ts";
import { denseStrides } from "../strided.ts";
import type { LazyTensor } from "../tensor-file.ts";
import { type ZipInput, zipChunks } from "../zip-write.ts";
import { storageClasses } from "./tensors.ts";

/** The content of a checkpoint: nested plain values and tensors. Objects and Maps become dicts (a Map may have whole numbers
 *  as keys, as optimiser states do); whole numbers become int, other numbers float. */
export type TorchTree =
  | null
  | boolean
  | number
  | bigint
  | string
  | HostTensor
  | LazyTensor
  | readonly TorchTree[]
  | ReadonlyMap<string | number, TorchTree>
  | { readonly [key: string]: TorchTree };

const storageNames = new Map(Object.entries(storageClasses).map(([name, dtype]) => [dtype, name]));

/** A `.pt` or `.bin` file in chunks, for `writeAtomic`. A tensor that occurs twice in the tree is stored once.
 *  @throws ShapeError when the bytes of a tensor do not fill its shape. */
export function torchZipChunks(tree: TorchTree): AsyncGenerator<Uint8Array> {
  const storages = new Map<HostTensor | LazyTensor, string>();
  const pickle = encodePickle(picklable(tree, storages));
  const small = (name: string, bytes: Uint8Array): ZipInput => ({ name: `archive/${name}`, bytes: bytes.length, read: async () => bytes });
  const text = (name: string, content: string) => small(name, new TextEncoder().encode(content));
  return zipChunks([
    small("data.pkl", pickle),
    text("byteorder", "little"),
    ...Array.from(storages, ([tensor, key]) => storageInput(tensor, key)),
    text("version", "3\n"),
  ]);
}

function picklable(value: TorchTree, storages: Map<HostTensor | LazyTensor, string>): Picklable {
  if (value === null || typeof value !== "object") return value;
  if (isTensor(value)) return pickledTensor(value, storages);
  if (Array.isArray(value)) return value.map((each) => picklable(each, storages));
  const entries = value instanceof Map ? [...(value as ReadonlyMap<string | number, TorchTree>)] : Object.entries(value);
  return new Map(entries.map(([key, each]) => [key, picklable(each, storages)]));
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks)`. */
function pickledTensor(tensor: HostTensor | LazyTensor, storages: Map<HostTensor | LazyTensor, string>): Picklable {
  const key = storages.get(tensor) ?? String(storages.size);
  storages.set(tensor, key);
  const storageClass = { module: "torch", name: storageNames.get(tensor.dtype)! };
  const storage = { persistent: { tuple: ["storage", storageClass, key, "cpu", elementCount(tensor.shape)] } };
  const hooks = { module: "collections", name: "OrderedDict", args: [] };
  const args = [storage, 0, { tuple: tensor.shape }, { tuple: denseStrides(tensor.shape) }, false, hooks];
  return { module: "torch._utils", name: "_rebuild_tensor_v2", args };
}

function storageInput(tensor: HostTensor | LazyTensor, key: string): ZipInput {
  const bytes = elementCount(tensor.shape) * dtypeBytes[tensor.dtype];
  const read = async () => {
    const data = "read" in tensor ? (await tensor.read()).bytes : tensor.bytes;
    if (data.length !== bytes)
      throw new ShapeError(`A tensor of ${tensor.dtype} [${tensor.shape}] needs ${bytes} bytes, but ${data.length} came.`);
    return data;
  };
  return { name: `archive/data/${key}`, bytes, read };
}

function isTensor(value: object): value is HostTensor | LazyTensor {
  return ("bytes" in value && value.bytes instanceof Uint8Array) || ("read" in value && typeof value.read === "function");
}
