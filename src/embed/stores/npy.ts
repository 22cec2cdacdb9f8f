// npy store: one array for each input, DIR/<name>.npy, and its provenance in DIR/<name>.json. The array is written chunk by chunk, so an
// embedding may be larger than memory. The sidecar is written first and the array renamed into place last, so an array with a sidecar is
// complete.
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, temporaryPath, writeAtomic } from "../../base/files.node.ts";
import { npyHeader } from "../../formats/npy.ts";
import type { EmbeddingStream } from "../embedding.ts";
import { asStored, type Store, type StoredProvenance, type StoreOptions } from "./store.ts";

export function npyStore(folder: string, { guard }: StoreOptions = {}): Store {
  const paths = (name: string) => ({ array: join(folder, `${name}.npy`), sidecar: join(folder, `${name}.json`) });
  return {
    async find(name) {
      const { array, sidecar } = paths(name);
      const text = await readFile(sidecar, "utf8").catch(() => undefined);
      const stored = text === undefined ? undefined : parseSidecar(text);
      if (!(await exists(array))) return text !== undefined && stored === undefined ? "foreign" : undefined;
      return stored ?? "foreign";
    },
    async write(name, embedding) {
      const { array, sidecar } = paths(name);
      const temporary = temporaryPath(array);
      await guard?.check();
      await makeFolder(dirname(array));
      try {
        await writeArray(temporary, embedding);
        await guard?.check();
        await rm(array, { force: true });
        const { shape, layers, provenance } = embedding;
        await writeAtomic(sidecar, `${JSON.stringify({ shape, layers, ...provenance }, null, 2)}\n`, { guard });
        await rename(temporary, array);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      return array;
    },
    close: async () => {},
  };
}

async function writeArray(path: string, { shape, chunks }: EmbeddingStream): Promise<void> {
  const header = npyHeader("float32", shape);
  const handle = await open(path, "wx");
  try {
    await handle.write(header, 0, header.length, 0);
    for await (const { offset, values } of chunks) await writeAt(handle, values, header.length + 4 * offset);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A single write takes at most 2 GiB, and may write less than it was given. */
async function writeAt(handle: Awaited<ReturnType<typeof open>>, values: Float32Array, position: number): Promise<void> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, Math.min(bytes.length - done, 2 ** 30), position + done)).bytesWritten;
  }
}

function parseSidecar(text: string): StoredProvenance | undefined {
  try {
    return asStored(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
