// Torch tensors before they are read: views on storages.
import { type DType, dtypeBytes } from "../../base/dtypes.ts";
import { isMade, type PickleMade, type PickleValue } from "../pickle/values.ts";

/** A run of elements that tensors share. */
export interface TorchStorage extends PickleMade {
  readonly kind: "storage";
  /** Its file within the archive, or its number in the legacy form. */
  readonly key: string;
  /** Absent: bytes without a type, counted as such. */
  readonly dtype?: DType;
  readonly count: number;
  /** Where it begins within the storage `key`, in elements: more than 0 only in views of the legacy form. */
  readonly start: number;
}

/** A view on a storage: any offset and strides, in elements. */
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

/** What the two forms have in common: values, and storages at some place. */
export interface TorchContents {
  readonly values: PickleValue;
  /** Length in bytes of the storage `key`, if there is one. */
  storageBytes(key: string): number | undefined;
  /** Byte of the source at which the storage begins. */
  storageOffset(key: string): Promise<number>;
}

/** Bytes of an element of the storage. */
export function storageItemBytes({ dtype }: TorchStorage): number {
  return dtype ? dtypeBytes[dtype] : 1;
}

/** Class names of storages, as `torch.` has them. Which storages there are and how they are named is torch's history. */
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
