// The stores by the names of their formats.
import { jsonlStore } from "./jsonl.node.ts";
import { npyStore } from "./npy.node.ts";
import { npzStore } from "./npz.node.ts";
import { parquetStore } from "./parquet.node.ts";
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
