// The stores by the names of their formats.
import { jsonlStore } from "./jsonl.ts";
import { npyStore } from "./npy.ts";
import { npzStore } from "./npz.ts";
import { parquetStore } from "./parquet.ts";
import type { Store, StoreOptions } from "./store.ts";

export const stores = {
  npy: npyStore,
  npz: npzStore,
  parquet: parquetStore,
  jsonl: jsonlStore,
} as const satisfies Record<string, (folder: string, options?: StoreOptions) => Store | Promise<Store>>;

/** What embeddings are written as: `npy` and `npz` a file each, `parquet` and `jsonl` one table a folder. */
export type StoreFormat = keyof typeof stores;

export const storeFormats = Object.keys(stores) as StoreFormat[];
