// Tensor files: the interface of an opened checkpoint of any format.
import { type DType, dtypeBytes, elementCount } from "../base/dtypes.ts";
import { NotFoundError } from "../base/errors.ts";
import type { HostTensor } from "../base/host-tensor.ts";
import { nearestKeys } from "../base/nearest.ts";
import { printable } from "../base/shown.ts";

/** Type and shape of a tensor, available before it is read. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** An opened checkpoint: names, types and shapes are known; values are read on demand. */
export interface TensorFile {
  /** The name of the format: "safetensors", "torch", "fairseq". */
  readonly format: string;
  /** A path or address. */
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The tensor, dense and row-major. @throws NotFoundError when no tensor has that name; the message gives the nearest names. */
  read(name: string): Promise<HostTensor>;
  close(): Promise<void>;
}

/** A tensor that is read on demand. Writers take these, so that only one tensor at a time is in memory. */
export interface LazyTensor extends TensorInfo {
  readonly name: string;
  read(): Promise<HostTensor>;
}

/** The tensors of a file, to be read one by one. */
export function lazyTensors(file: Pick<TensorFile, "tensors" | "read">): LazyTensor[] {
  return Array.from(file.tensors, ([name, { dtype, shape }]) => ({ name, dtype, shape, read: () => file.read(name) }));
}

/** Wraps tensors in memory for a writer. */
export function namedTensors(tensors: Iterable<readonly [string, HostTensor]>): LazyTensor[] {
  return Array.from(tensors, ([name, tensor]) => ({ name, dtype: tensor.dtype, shape: tensor.shape, read: async () => tensor }));
}

/** Bytes of a dense tensor. */
export function tensorBytes({ dtype, shape }: TensorInfo): number {
  return elementCount(shape) * dtypeBytes[dtype];
}

/** The entry under `name`. @throws NotFoundError with the nearest names that exist. */
export function lookup<T>(entries: ReadonlyMap<string, T>, name: string, fileName: string): T {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  const near = nearestKeys(name, entries.keys());
  const hint = near.length
    ? `The nearest names are ${near.map((each) => printable(each)).join(", ")}.`
    : `It holds ${entries.size} tensors, none of a similar name.`;
  throw new NotFoundError(`${fileName} has no tensor ${printable(name)}. ${hint}`);
}
