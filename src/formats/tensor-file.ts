// Tensor files: the one face of every opened checkpoint, whatever its format.
import { type DType, dtypeBytes, elementCount } from "../base/dtypes.ts";
import { NotFoundError } from "../base/errors.ts";
import type { HostTensor } from "../base/host-tensor.ts";

/** What is known of a tensor before it is read. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** An opened checkpoint: names, types and shapes are known, values are read when asked for. */
export interface TensorFile {
  /** The format as users call it: "safetensors", "torch", "fairseq". */
  readonly format: string;
  /** Where it lies: a path or address. */
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The tensor, dense and row-major. @throws NotFoundError when there is none of that name, with the nearest ones. */
  read(name: string): Promise<HostTensor>;
  close(): Promise<void>;
}

/** A tensor that is read only when it is needed: what writers take, so that one tensor at a time is in memory. */
export interface LazyTensor extends TensorInfo {
  readonly name: string;
  read(): Promise<HostTensor>;
}

/** Every tensor of a file, to be read one by one. */
export function lazyTensors(file: Pick<TensorFile, "tensors" | "read">): LazyTensor[] {
  return Array.from(file.tensors, ([name, { dtype, shape }]) => ({ name, dtype, shape, read: () => file.read(name) }));
}

/** Tensors already in memory, for a writer. */
export function namedTensors(tensors: Iterable<readonly [string, HostTensor]>): LazyTensor[] {
  return Array.from(tensors, ([name, tensor]) => ({ name, dtype: tensor.dtype, shape: tensor.shape, read: async () => tensor }));
}

/** Bytes that a tensor takes when dense. */
export function tensorBytes({ dtype, shape }: TensorInfo): number {
  return elementCount(shape) * dtypeBytes[dtype];
}

/** What stands under `name`. @throws NotFoundError naming the nearest names there are. */
export function lookup<T>(entries: ReadonlyMap<string, T>, name: string, fileName: string): T {
  const found = entries.get(name);
  if (found !== undefined) return found;
  const near = nearestNames(name, entries.keys());
  const hint = near.length ? `The nearest names are ${near.join(", ")}.` : `It holds ${entries.size} tensors, none of a similar name.`;
  throw new NotFoundError(`${fileName} has no tensor ${name}. ${hint}`);
}

/** Up to three of `names` that differ from `name` in at most a third of its letters, nearest first. */
export function nearestNames(name: string, names: Iterable<string>): string[] {
  const limit = Math.ceil(name.length / 3);
  return Array.from(names, (each) => ({ each, distance: editDistance(name, each, limit) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ each }) => each);
}

/** Levenshtein's distance, or anything above `limit` once it is sure to pass that. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(swapped, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
