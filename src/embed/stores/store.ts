// Stores: where embeddings of many files go. Each knows what it already holds, so that a second run skips it.
import { OstinatoError } from "../../base/errors.ts";
import type { Provenance, Settings, Source } from "../../inference/provenance.ts";
import type { EmbeddingStream } from "../embedding.ts";

/** What a store holds under a name: enough to tell whether it is what would be written. */
export interface StoredProvenance {
  readonly source: Pick<Source, "file" | "bytes" | "modified">;
  readonly settings: Settings;
}

export interface StoreOptions {
  /** Of "parquet": the seconds after which a part is written at the latest; default 60. */
  readonly partSeconds?: number | undefined;
}

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
export class OutputExistsError extends OstinatoError {
  override readonly code: string = "OSTINATO_OUTPUT_EXISTS";
}

export function asStored(value: unknown): StoredProvenance | undefined {
  const { source, settings } = (value ?? {}) as Partial<Provenance>;
  return source !== undefined && settings !== undefined ? { source, settings } : undefined;
}

/** What a table of hundreds of thousands of names holds, in little memory: equal settings once, and of a source what tells files apart. */
export interface HeldNames {
  find(name: string): StoredProvenance | "foreign" | undefined;
  add(name: string, provenance: unknown): void;
}

export function heldNames(): HeldNames {
  const held = new Map<string, StoredProvenance | "foreign">();
  const settingsOf = new Map<string, Settings>();
  return {
    find: (name) => held.get(name),
    add(name, provenance) {
      const stored = asStored(provenance);
      if (stored === undefined) return void held.set(name, "foreign");
      const { file, bytes, modified } = stored.source;
      const text = JSON.stringify(stored.settings);
      const settings = settingsOf.get(text) ?? stored.settings;
      settingsOf.set(text, settings);
      const source = {
        ...(file !== undefined && { file }),
        ...(bytes !== undefined && { bytes }),
        ...(modified !== undefined && { modified }),
      };
      held.set(name, { source, settings });
    },
  };
}
