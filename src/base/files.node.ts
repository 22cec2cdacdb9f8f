// Files: opening for ranged reads, and writing so that a reader never meets half a file.
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type ByteSource, checkRange } from "./byte-source.ts";
import { NotFoundError } from "./errors.ts";

/** A file on disk as a ByteSource. @throws NotFoundError when there is none. */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new NotFoundError(`There is no file ${path}.`) : error;
  });
  const { size } = await handle.stat();
  const source = {
    name: path,
    size,
    read: async (offset: number, length: number) => {
      checkRange(source, offset, length);
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        // One read call moves at most 2 GiB.
        const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, 2 ** 30), offset + done);
        if (bytesRead === 0) checkRange({ name: path, size: offset + done }, offset, length);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
  return source;
}

/** Makes a folder and those above it that are missing. Node's own recursive mkdir spins for ever where the system refuses with
 *  "no such file" (in /proc, for one), so each step is taken here. */
export async function makeFolder(path: string): Promise<void> {
  const above = dirname(path);
  await mkdir(path)
    .catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT" || above === path) throw error;
      await makeFolder(above);
      await mkdir(path);
    })
    .catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST" || !(await stat(path)).isDirectory()) throw error;
    });
}

/** Whether something was not written because the disk, or the user's share of it, is full. */
export function diskIsFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException | null)?.code ?? "");
}

/** The name under which a file is written before it is whole: beside it, and none that another program would give. */
export function temporaryPath(path: string): string {
  return `${path}.${randomBytes(4).toString("hex")}.ostinato.tmp`;
}

/** Whether a file has such a name: a run that was killed leaves them behind. */
export function isTemporary(path: string): boolean {
  return /\.[0-9a-f]{8}\.ostinato\.tmp$/.test(path);
}

/** A file that is being written under a temporary name beside it. */
export interface AtomicFile {
  write(chunk: Uint8Array | string): Promise<void>;
  /** Syncs it and gives it its name: only now it is there. */
  commit(): Promise<void>;
  /** Puts it away; nothing where it was committed. */
  abandon(): Promise<void>;
}

/** Begins a file that will be whole or absent: for several that are written side by side. One of them: `writeAtomic`. */
export async function beginAtomic(path: string): Promise<AtomicFile> {
  await makeFolder(dirname(path));
  const temporary = temporaryPath(path);
  const handle = await open(temporary, "w");
  let isOpen = true;
  const close = async () => {
    if (isOpen) await handle.close();
    isOpen = false;
  };
  return {
    write: (chunk) => handle.writeFile(chunk),
    async commit() {
      await handle.sync();
      await close();
      await rename(temporary, path);
    },
    async abandon() {
      await close();
      await rm(temporary, { force: true });
    },
  };
}

/** Writes a file under a temporary name beside it, syncs it and renames it into place: `path` is whole or absent. */
export async function writeAtomic(
  path: string,
  chunks: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = await beginAtomic(path);
  try {
    if (typeof chunks === "string" || chunks instanceof Uint8Array) await file.write(chunks);
    else for await (const chunk of chunks) await file.write(chunk);
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}
