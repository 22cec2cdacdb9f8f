// Stores: where embeddings of many files go. Each knows what it already holds, so that a second run skips it.
import { OstinatoError } from "../../base/errors.ts";
import type { EmbeddingStream } from "../embedding.ts";
import type { Provenance } from "../provenance.ts";

/** What a store holds under a name: enough to tell whether it is what would be written. */
export type StoredProvenance = Pick<Provenance, "source" | "settings">;

export interface Store {
  /** What is finished under this name; "foreign" for a file that this library did not write there. */
  find(name: string): Promise<StoredProvenance | "foreign" | undefined>;
  /** Writes an embedding under a name, in place of what was there, and gives the path of the file it is in. Once the promise has
   *  resolved it is safe, or will be once the store is closed. */
  write(name: string, embedding: EmbeddingStream): Promise<string>;
  /** Writes what is still held back. */
  close(): Promise<void>;
}

/** An output that holds something else already. */
export class OutputExistsError extends OstinatoError {}

export function asStored(value: unknown): StoredProvenance | undefined {
  const { source, settings } = (value ?? {}) as Partial<StoredProvenance>;
  return source !== undefined && settings !== undefined ? { source, settings } : undefined;
}
