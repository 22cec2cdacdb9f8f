// Torch tensors before they are read: views of storages.
import { type DType, dtypeBytes } from "../../base/dtypes.ts";
import { isMade, type PickleMade, type PickleValue } from "../pickle/values.ts";

/** A sequence of elements that tensors share. */
export interface TorchStorage extends PickleMade {
  readonly kind: "storage";
  /** Its file within the archive, or its number in the legacy form. */
  readonly key: string;
  /** Absent for an untyped storage, whose elements are bytes. */
  readonly dtype?: DType;
  readonly count: number;
  /** Offset within the storage `key`, in elements; above 0 only in views of the legacy form. */
  readonly start: number;
}

/** A view of a storage: any offset and strides, in elements. */
export interface TorchTensor extends PickleMade {
  readonly kind: "tensor";
  readonly storage: TorchStorage;
  readonly dtype: DType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export function isTensor(value: PickleValue | undefined): value is TorchTensor {
  return isMade(value) && value.kind === "tensor";
}

/** What the two forms have in common: values, and the positions of storages. */
export interface TorchContents {
  readonly values: PickleValue;
  /** Length in bytes of the storage `key`, if it exists. */
  storageBytes(key: string): number | undefined;
  /** Byte offset of the storage in the source. */
  storageOffset(key: string): Promise<number>;
}

/** Bytes of an element of the storage. */
export function storageItemBytes({ dtype }: TorchStorage): number {
  return dtype ? dtypeBytes[dtype] : 1;
}

/** Class names of storages, in the module `torch`. */
export const storageClasses = {
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
} as const satisfies Record<string, DType>;
