// Append files: files that only grow, for runs that are resumed. Each write is guarded: it goes to the file that stands at the path, or fails.
import { constants, fstatSync } from "node:fs";
import { copyFile, type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { OstinatoError } from "./errors.ts";
import { type Guard, isMissing, makeFolder, placeAt, temporaryPath } from "./files.node.ts";

/** A file was removed or replaced while it was being written to. */
export class OutputRemovedError extends OstinatoError {
  override readonly code: string = "OSTINATO_OUTPUT_REMOVED";
}

export interface AppendFile {
  /** Appends the whole of `data`, or nothing.
   *  @throws OutputRemovedError when the file at the path is no longer this one; LockLostError when the guard's lock is lost. */
  append(data: string | Uint8Array): Promise<void>;
  /** Cuts the file to its first `bytes` bytes. */
  truncate(bytes: number): Promise<void>;
  /** Waits until what was written is on the disk. */
  sync(): Promise<void>;
  /** @throws OutputRemovedError when the file is no longer at its path: what was appended is lost. */
  close(): Promise<void>;
}

/** Opens a file for appending, or creates it. Where the guard's lock was taken from another machine, the file is first replaced by a copy:
 *  a holder that wakes up late has the old one open, and what it writes there reaches nobody. */
export async function openAppendFile(path: string, { guard }: { readonly guard?: Guard | undefined } = {}): Promise<AppendFile> {
  await makeFolder(dirname(path));
  if (guard?.tookOver) await replaceByCopy(path);
  const handle = await open(path, "a");
  const check = async () => {
    await guard?.check();
    checkInPlace(handle, path);
  };
  let isOpen = true;
  return {
    async append(data) {
      await check();
      const { size } = await handle.stat();
      try {
        await handle.appendFile(data);
      } catch (error) {
        await handle.truncate(size); // half a record would spoil the next one
        throw error;
      }
    },
    async truncate(bytes) {
      await check();
      await handle.truncate(bytes);
    },
    sync: () => handle.datasync(),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      try {
        checkInPlace(handle, path);
      } finally {
        await handle.close();
      }
    },
  };
}

/** @throws OutputRemovedError unless `handle` is the file at `path`. */
function checkInPlace({ fd }: FileHandle, path: string): void {
  const opened = fstatSync(fd, { bigint: true });
  const there = placeAt(path);
  if (there?.dev === opened.dev && there.ino === opened.ino) return;
  throw new OutputRemovedError(
    `${path} was ${there ? "replaced" : "removed"} while it was being written to: what this run wrote to it is lost. Run again to write it anew.`,
  );
}

async function replaceByCopy(path: string): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await copyFile(path, temporary, constants.COPYFILE_EXCL);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (!isMissing(error)) throw error;
  }
}
