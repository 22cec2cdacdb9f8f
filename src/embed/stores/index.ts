// The stores by format.
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

/** The format of embeddings on disk: `npy` and `npz` write a file for each input, `parquet` and `jsonl` one table for the folder. */
export type StoreFormat = keyof typeof stores;

export const storeFormats = Object.keys(stores) as StoreFormat[];
