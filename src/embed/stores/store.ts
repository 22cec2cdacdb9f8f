// Stores: where the embeddings of a corpus are written. A store finds what earlier runs have finished, so that it is skipped.
import { OstinatoError } from "../../base/errors.ts";
import type { Guard } from "../../base/files.node.ts";
import type { Provenance, Settings, Source } from "../../inference/provenance.ts";
import type { EmbeddingStream } from "../embedding.ts";

/** Source and settings of a stored embedding: enough to decide whether it is the one that would be written. */
export interface StoredProvenance {
  readonly source: Pick<Source, "file" | "bytes" | "modified">;
  readonly settings: Settings;
  /** Name of the model. */
  readonly model?: string | undefined;
}

export interface StoreOptions {
  /** Of "parquet": seconds after which a part is written at the latest; default 60. */
  readonly partSeconds?: number | undefined;
  /** The lock under which the folder is written: checked before each write. */
  readonly guard?: Guard | undefined;
}

export interface Store {
  /** The finished embedding under this name; "foreign" for a file that this library did not write. */
  find(name: string): Promise<StoredProvenance | "foreign" | undefined>;
  /** Writes an embedding under a name, replacing an earlier one, and returns the path of its file. It is on disk once the promise has
   *  resolved, in a table at the latest once the store is closed. */
  write(name: string, embedding: EmbeddingStream): Promise<string>;
  /** Writes what is still buffered. */
  close(): Promise<void>;
}

/** The output exists and is not what would be written. */
export class OutputExistsError extends OstinatoError {
  override readonly code: string = "OSTINATO_OUTPUT_EXISTS";
}

export function asStored(value: unknown): StoredProvenance | undefined {
  const { source, settings, model } = (value ?? {}) as Partial<Provenance>;
  return source !== undefined && settings !== undefined ? { source, settings, model: model?.name } : undefined;
}

/** The contents of a table with hundreds of thousands of names in little memory: equal settings are kept once, and of a source only what
 *  identifies the file. */
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
      held.set(name, { source, settings, model: stored.model });
    },
  };
}
