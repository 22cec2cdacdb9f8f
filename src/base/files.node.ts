// Files: opening for ranged reads, and writing so that a reader never meets half a file.
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
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

/** Which file or folder stands at a path, to tell later whether it still does; undefined where there is none. Synchronous, since it
 *  precedes each write of a run: 10 µs instead of 100. */
export function placeAt(path: string): { readonly dev: bigint; readonly ino: bigint } | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Whether an error says that there is no file at a path, or no longer (ESTALE: on a network file system). */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ESTALE"].includes((error as NodeJS.ErrnoException | null)?.code ?? "");
}

/** Creates a folder and its missing parents. Node's recursive mkdir never returns where the system refuses with "no such file" (in /proc,
 *  for example), so each step is taken here. */
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

/** Whether a write failed because the disk, or the user's quota, is full. */
export function diskIsFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException | null)?.code ?? "");
}

/** A name beside `path`, under which the file is written until it is whole; no other program uses such names. */
export function temporaryPath(path: string): string {
  return `${path}.${randomBytes(4).toString("hex")}.ostinato.tmp`;
}

/** Whether a file has a name of `temporaryPath`: runs that were killed leave them behind. */
export function isTemporary(path: string): boolean {
  return /\.[0-9a-f]{8}\.ostinato\.tmp$/.test(path);
}

/** A file that is being written under a temporary name beside it. */
export interface AtomicFile {
  write(chunk: Uint8Array | string): Promise<void>;
  /** Syncs it and gives it its name. */
  commit(): Promise<void>;
  /** Removes it; does nothing when it was committed. */
  abandon(): Promise<void>;
}

/** What may be written while a lock is held. */
export interface Guard {
  /** The lock was taken from a holder on another machine, which may wake up and go on writing to the files it has open. */
  readonly tookOver: boolean;
  /** To be called before each write. @throws LockLostError when the lock is no longer this process's. */
  check(): Promise<void>;
}

export interface AtomicOptions {
  /** The lock under which the file is written: checked before it is begun, before it gets its name and after. */
  readonly guard?: Guard | undefined;
}

/** Begins a file that will be whole or absent: for several that are written side by side. For a single one: `writeAtomic`. */
export async function beginAtomic(path: string, { guard }: AtomicOptions = {}): Promise<AtomicFile> {
  await guard?.check();
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
      const { ino } = await handle.stat();
      await close();
      await guard?.check();
      await rename(temporary, path);
      await guard?.check().catch(async (error) => {
        // The process was suspended just before the renaming: a file that comes so late must not stay.
        if ((await stat(path).catch(() => undefined))?.ino === ino) await rm(path);
        throw error;
      });
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
  options: AtomicOptions = {},
): Promise<void> {
  const file = await beginAtomic(path, options);
  try {
    if (typeof chunks === "string" || chunks instanceof Uint8Array) await file.write(chunks);
    else for await (const chunk of chunks) await file.write(chunk);
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}
