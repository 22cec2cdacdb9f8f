// Opening PyTorch checkpoints: the zip form and the legacy stream, with lazy tensors and plain values.
import type { ByteSource } from "../../base/byte-source.ts";
import { dtypeBytes } from "../../base/dtypes.ts";
import { FormatError } from "../../base/errors.ts";
import type { HostTensor } from "../../base/host-tensor.ts";
import { printable } from "../../base/shown.ts";
import type { PickleValue } from "../pickle/values.ts";
import { spanOf, toDense } from "../strided.ts";
import { lookup, type TensorFile } from "../tensor-file.ts";
import { flattenTensors } from "./flatten.ts";
import { openLegacy } from "./legacy.ts";
import { storageItemBytes, type TorchContents, type TorchTensor } from "./tensors.ts";
import { openZip } from "./zip-form.ts";

/** A torch checkpoint. `tensors` has all nested tensors under dotted names. */
export interface TorchFile extends TensorFile {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** The saved value: dicts are Maps, tensors are views that are not read yet, other objects are inert. */
  readonly values: PickleValue;
  /** Reads a tensor of `values`, dense and row-major. */
  readTensor(tensor: TorchTensor): Promise<HostTensor>;
}

/** Opens what `torch.save` wrote, in its zip form (since 1.6) or legacy form. Only the directory and the pickle are read.
 *  @throws UnsafeFileError when the pickle names anything but what tensors and plain values need (nothing is executed);
 *  @throws FormatError when the file is corrupt, cut short, or not a torch checkpoint. */
export async function openTorch(source: ByteSource): Promise<TorchFile> {
  const start = await source.read(0, Math.min(4, source.size));
  const isZip = start.length === 4 && start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
  const contents = isZip ? await openZip(source) : await openLegacy(source);
  const tensors = flattenTensors(contents.values, source.name);
  for (const [name, tensor] of tensors) checkStorage(contents, tensor, name, source.name);
  const readTensor = (tensor: TorchTensor) => readView(source, contents, tensor);
  return {
    format: "torch",
    name: source.name,
    metadata: {},
    tensors,
    values: contents.values,
    read: (name) => readTensor(lookup(tensors, name, source.name)),
    readTensor,
    close: () => source.close(),
  };
}

function checkStorage(contents: TorchContents, { storage }: TorchTensor, name: string, fileName: string): void {
  const available = contents.storageBytes(storage.key);
  if (available === undefined) throw new FormatError(`${fileName} has no storage ${storage.key}, where ${printable(name)} should be.`);
  const needed = (storage.start + storage.count) * storageItemBytes(storage);
  if (needed > available) {
    throw new FormatError(
      `Storage ${storage.key} of ${fileName}, which holds ${printable(name)}, has ${available} bytes, but should have ${needed}: the file is cut short or corrupt.`,
    );
  }
}

/** Reads only the range of the storage that the view spans. */
async function readView(source: ByteSource, contents: TorchContents, tensor: TorchTensor): Promise<HostTensor> {
  const { storage, dtype, offset, shape, strides } = tensor;
  checkStorage(contents, tensor, "a tensor", source.name);
  const itemBytes = dtypeBytes[dtype];
  const span = spanOf(shape, strides) * itemBytes;
  if (span === 0) return { dtype, shape, bytes: new Uint8Array() };
  const start = (await contents.storageOffset(storage.key)) + storage.start * storageItemBytes(storage);
  const bytes = await source.read(start + offset * itemBytes, span);
  return { dtype, shape, bytes: toDense(bytes, itemBytes, shape, strides) };
}
