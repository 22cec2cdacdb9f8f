// Lock: one process at a time does a piece of work; the lock of a dead process does not stand for long.
import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "../base/files.node.ts";
import { absent } from "./cache.node.ts";

export interface LockOptions {
  /** A lock whose file has not been touched for this long belongs to nobody; its holder touches it four times as often. */
  staleMs?: number;
  /** How often a waiter looks again. */
  pollMs?: number;
  signal?: AbortSignal | undefined;
}

/** Runs `body` while holding the lock file `path`, waiting for its turn first. The file says who holds it (`pid@host`). */
export async function withLock<T>(
  path: string,
  body: () => Promise<T>,
  { staleMs = 20_000, pollMs = 100, signal }: LockOptions = {},
): Promise<T> {
  const owner = `${process.pid}@${hostname()}`;
  await makeFolder(dirname(path));
  // Times are compared with themselves only: the clock of a network file system may differ from ours.
  let seen = { mtimeMs: Number.NaN, at: 0 };
  while (!(await take(path, owner))) {
    signal?.throwIfAborted();
    const held = await stat(path).catch(absent);
    if (held && held.mtimeMs !== seen.mtimeMs) seen = { mtimeMs: held.mtimeMs, at: Date.now() };
    if (held && (Date.now() - seen.at > staleMs || (await holderIsDead(path)))) await discard(path, held.ino);
    else await sleep(pollMs);
  }
  const heartbeat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), staleMs / 4);
  heartbeat.unref();
  try {
    return await body();
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}

/** Whether the lock file could be made: it is by one only ("wx"). */
async function take(path: string, owner: string): Promise<boolean> {
  try {
    await writeFile(path, owner, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** True when the file names a process of this machine that is no longer there. */
async function holderIsDead(path: string): Promise<boolean> {
  const [pid, host] = ((await readFile(path, "utf8").catch(absent)) ?? "").split("@");
  if (host !== hostname() || !Number(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Removes a stale lock. Another waiter may have done so, and taken the lock anew, a moment ago: what was moved aside is
 *  looked at, and put back when it is not the file that was judged stale. */
async function discard(path: string, staleInode: number): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(path, aside);
    if ((await stat(aside)).ino !== staleInode) await link(aside, path);
  } catch {
    // Someone else was faster: the next round looks again.
  } finally {
    await rm(aside, { force: true });
  }
}
