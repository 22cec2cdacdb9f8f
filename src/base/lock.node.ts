// Lock: one process at a time does a piece of work; the lock of a dead process does not stand for long.
import { randomBytes } from "node:crypto";
import { link, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OstinatoError } from "./errors.ts";
import { makeFolder } from "./files.node.ts";

export interface LockOptions {
  /** A lock whose file has not been touched for this long belongs to nobody; its holder touches it four times as often. */
  staleMs?: number;
  /** How often a waiter looks again. */
  pollMs?: number;
  signal?: AbortSignal | undefined;
  /** Given: a holder that shows a sign of life is not waited for; this is thrown instead. `holder` is `pid@host`. */
  refusal?: ((holder: string) => Error) | undefined;
}

/** A lock that this process holds. */
export interface Lock {
  /** It was taken from a holder that may only have been asleep, and may have what the lock guards open still. */
  readonly tookOver: boolean;
  /** @throws LockLostError when another process took it over, because this one was asleep for too long. */
  check(): Promise<void>;
  release(): Promise<void>;
}

/** Another process holds the lock by now. */
export class LockLostError extends OstinatoError {
  override readonly code: string = "OSTINATO_LOCK_LOST";
}

/** Takes the lock file `path`, waiting for its turn first. The file says who holds it.
 *  @throws what `refusal` makes, and `signal`'s reason. */
export async function takeLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const { staleMs = 20_000, pollMs = 100, signal, refusal } = options;
  const owner = `${process.pid}@${hostname()} ${randomBytes(8).toString("hex")}`;
  await makeFolder(dirname(path));
  // Times are compared with themselves only: the clock of a network file system may differ from ours.
  let seen: { mtimeMs: number; at: number } | undefined;
  let tookOver = false;
  while (!(await claim(path, owner))) {
    signal?.throwIfAborted();
    const held = await stat(path).catch(absent);
    if (held && held.mtimeMs !== seen?.mtimeMs) {
      const holder = await holderOf(path);
      if (seen && refusal && holder) throw refusal(holder);
      seen = { mtimeMs: held.mtimeMs, at: Date.now() };
    }
    const dead = held !== undefined && (await holderIsDead(path, held.mtimeMs));
    if (held && (dead || Date.now() - seen!.at > staleMs)) {
      tookOver = !dead;
      await discard(path, held.ino);
    } else await sleep(pollMs);
  }
  const isOurs = async () => (await readFile(path, "utf8").catch(absent)) === owner;
  const touch = async () => {
    if (await isOurs()) await utimes(path, new Date(), new Date());
  };
  const heartbeat = setInterval(() => void touch().catch(() => {}), staleMs / 4);
  heartbeat.unref();
  return {
    tookOver,
    async check() {
      if (!(await isOurs())) throw new LockLostError(`Another process took over ${path} while this one was asleep.`);
    },
    async release() {
      clearInterval(heartbeat);
      if (await isOurs()) await rm(path, { force: true });
    },
  };
}

/** Runs `body` while holding a lock. @throws as `takeLock` does. */
export async function withLock<T>(path: string, body: (lock: Lock) => Promise<T>, options: LockOptions = {}): Promise<T> {
  const lock = await takeLock(path, options);
  try {
    return await body(lock);
  } finally {
    await lock.release();
  }
}

/** Whether the lock file could be made: it is by one only ("wx"). */
async function claim(path: string, owner: string): Promise<boolean> {
  const handle = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return undefined;
    throw error;
  });
  if (handle === undefined) return false;
  try {
    await handle.writeFile(owner);
    return true;
  } catch (error) {
    await rm(path, { force: true }); // on a full disk: an empty file would be a lock that nobody holds
    throw error;
  } finally {
    await handle.close();
  }
}

async function holderOf(path: string): Promise<string | undefined> {
  return (await readFile(path, "utf8").catch(absent))?.split(" ")[0];
}

/** True when the file names a process of this machine that is no longer there. */
async function holderIsDead(path: string, mtimeMs: number): Promise<boolean> {
  const [pid, host] = ((await holderOf(path)) ?? "").split("@");
  if (host !== hostname() || !Number(pid)) return false;
  // A container that is started again gives its process the number it had: what was not touched since then is the dead one's.
  if (Number(pid) === process.pid) return mtimeMs < performance.timeOrigin - 1000;
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

/** For `catch`: a missing file is undefined, any other failure stays one. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
