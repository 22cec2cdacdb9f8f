// Files: opening for ranged reads, and writing so that a reader never meets half a file.
import { randomBytes } from "node:crypto";
import { constants, statSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type ByteSource, checkRange, rangedSource } from "./byte-source.ts";
import { ConfigError, FormatError, NotFoundError } from "./errors.ts";
import { parseJson } from "./json.ts";
import { printable } from "./shown.ts";

/** A file on disk as a ByteSource. @throws NotFoundError when there is none; FormatError for a folder, a pipe, a socket or a device;
 *  ConfigError when it may not be read. */
export async function fileSource(path: string): Promise<ByteSource> {
  const { handle, size } = await openRegular(path);
  return rangedSource(
    { name: path, size },
    async (offset, length) => {
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
    () => handle.close(),
  );
}

/** The text of a small file: a configuration, a card, a list. @throws as `fileSource`; FormatError when it has more than `maxBytes` bytes. */
export async function readText(path: string, maxBytes = 2 ** 24): Promise<string> {
  const { handle, size } = await openRegular(path);
  try {
    if (size > maxBytes) {
      throw new FormatError(`${printable(path, 400)} has ${size} bytes, more than the ${maxBytes} that such a file may have.`);
    }
    const bytes = new Uint8Array(Math.min(maxBytes, size + 4096)); // it may have grown since, or tell no size (/proc)
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return new TextDecoder().decode(bytes.subarray(0, length));
  } finally {
    await handle.close();
  }
}

/** As `readText`, undefined where there is no such file. */
export async function readTextIfThere(path: string, maxBytes?: number): Promise<string | undefined> {
  return readText(path, maxBytes).catch((error) => {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  });
}

/** A JSON file of others, as `parseJson` takes it. @throws as `readText` and `parseJson`. */
export async function readJson(path: string, maxBytes?: number): Promise<unknown> {
  return parseJson(await readText(path, maxBytes), printable(path, 400));
}

/** Opens a file for reading, without waiting for what it may be: opening a pipe would block until somebody writes to it. */
async function openRegular(path: string): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: NodeJS.ErrnoException) => {
    const shownPath = printable(path, 400);
    if (isMissing(error)) throw new NotFoundError(`There is no file ${shownPath}.`);
    if (error.code === "EACCES" || error.code === "EPERM")
      throw new ConfigError(`${shownPath} may not be read by this user. Change its permissions.`);
    if (error.code === "ENXIO" || error.code === "ELOOP" || error.code === "ENAMETOOLONG" || error.code === "EISDIR") {
      throw new FormatError(`${shownPath} is not a file that can be read (${error.code}).`);
    }
    throw error;
  });
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, size: stats.size };
  await handle.close();
  const kind = stats.isDirectory() ? "a folder" : stats.isFIFO() ? "a pipe" : stats.isSocket() ? "a socket" : "a device";
  throw new FormatError(`${printable(path, 400)} is ${kind}, not a file.`);
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
