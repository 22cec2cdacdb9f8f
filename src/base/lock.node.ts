// Locks: one process at a time does a piece of work. The lock of a dead process is taken over; that of a living one of this machine never is.
import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { link, open, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OstinatoError } from "./errors.ts";
import { type Guard, isMissing, makeFolder } from "./files.node.ts";
import { livenessOf, type ProcessIdentity, thisProcess } from "./process-identity.node.ts";
import { printable } from "./shown.ts";

export interface LockOptions {
  /** A lock of another machine is taken over when its file was not touched for this long, by this machine's monotonic clock; its holder
   *  touches it four times as often. Default 20,000. */
  readonly staleMs?: number;
  /** How often a waiter looks again; default 100. */
  readonly pollMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** When given, a living holder is not waited for: the error made here is thrown. */
  readonly refusal?: ((holder: Holder) => Error) | undefined;
  /** Stands in for this machine's identity in tests. */
  readonly machine?: string | undefined;
}

/** The process that holds a lock, for messages. */
export interface Holder {
  /** pid@host */
  readonly process: string;
  /** It is suspended, and what to do about it. Absent for one that runs. */
  readonly stopped?: string;
}

/** A lock that this process holds. */
export interface Lock extends Guard {
  release(): Promise<void>;
}

/** The lock was taken over by another process, or removed. */
export class LockLostError extends OstinatoError {
  override readonly code: string = "OSTINATO_LOCK_LOST";
}

/** The lock is held by a process that is suspended, so that waiting for it may never end. */
export class LockHeldError extends OstinatoError {
  override readonly code: string = "OSTINATO_LOCK_HELD";
}

/** Takes the lock file `path`, waiting for its turn. The file names its holder.
 *  @throws what `refusal` makes; LockHeldError when the holder is suspended; `signal`'s reason. */
export async function takeLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const { staleMs = 20_000, pollMs = 100, signal, refusal, machine } = options;
  const record: LockRecord = { ...thisProcess(machine), token: randomBytes(8).toString("hex") };
  await makeFolder(dirname(path));
  let seen: { mtimeMs: number; at: number } | undefined;
  let stoppedBefore = false;
  let tookOver = false;
  while (!(await create(path, record))) {
    signal?.throwIfAborted();
    const held = readLock(path);
    if (held === undefined) continue; // released meanwhile
    const liveness = held.record ? livenessOf(held.record, record.machine) : "elsewhere";
    if (liveness === "dead") {
      await discard(path, held.ino);
      continue;
    }
    if (liveness === "elsewhere") {
      // Touches are compared with one another only: the clock of a network file system may differ from this one.
      if (held.mtimeMs !== seen?.mtimeMs) {
        if (seen && refusal) throw refusal(holderOf(held.record, false));
        seen = { mtimeMs: held.mtimeMs, at: performance.now() };
      } else if (performance.now() - seen.at > staleMs) {
        tookOver = true;
        await discard(path, held.ino);
        continue;
      }
    } else {
      const stopped: boolean = liveness === "stopped" && stoppedBefore; // twice in a row: a debugger stops processes for a moment
      stoppedBefore = liveness === "stopped";
      if (refusal && stopped === stoppedBefore) throw refusal(holderOf(held.record, stopped));
      if (stopped) {
        const holder = holderOf(held.record, true);
        throw new LockHeldError(`Process ${holder.process} holds ${printable(path, 400)} and ${holder.stopped}.`);
      }
    }
    await sleep(pollMs);
  }
  const isOurs = () => readLock(path)?.record?.token === record.token;
  const touch = async () => {
    if (isOurs()) await utimes(path, new Date(), new Date());
  };
  const heartbeat = setInterval(() => void touch().catch(() => {}), staleMs / 4);
  heartbeat.unref();
  return {
    tookOver,
    check: async () => checkHeld(path, record.token),
    async release() {
      clearInterval(heartbeat);
      if (isOurs()) await rm(path, { force: true });
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

interface LockRecord extends ProcessIdentity {
  readonly token: string;
}

/** @throws LockLostError unless the lock file holds `token`. */
function checkHeld(path: string, token: string): void {
  const held = readLock(path);
  if (held?.record?.token === token) return;
  throw new LockLostError(
    held === undefined
      ? `The lock ${path} is gone: its folder was removed or replaced while this run was writing to it. Run again to write what is missing.`
      : `Process ${holderOf(held.record, false).process} took over ${path} while this one was suspended or cut off. Nothing more is written.`,
  );
}

/** Whether the lock file was created here: only one process can ("wx"). */
async function create(path: string, record: LockRecord): Promise<boolean> {
  const handle = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return undefined;
    throw error;
  });
  if (handle === undefined) return false;
  try {
    await handle.writeFile(JSON.stringify(record));
    return true;
  } catch (error) {
    await rm(path, { force: true }); // on a full disk: an empty file would be a lock that nobody holds
    throw error;
  } finally {
    await handle.close();
  }
}

/** The lock file; without `record` when it is not whole, or not a lock. */
function readLock(path: string): { record: LockRecord | undefined; mtimeMs: number; ino: number } | undefined {
  try {
    // Synchronously, since it precedes each write of a run: 20 µs instead of 200.
    const { mtimeMs, ino } = statSync(path);
    const text = readFileSync(path, "utf8");
    return { record: parseRecord(text), mtimeMs, ino };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function parseRecord(text: string): LockRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<LockRecord> | null;
    const isWhole = Number.isSafeInteger(record?.pid) && record!.pid! > 0 && typeof record?.machine === "string";
    return isWhole && typeof record.token === "string" ? (record as LockRecord) : undefined;
  } catch {
    return undefined;
  }
}

function holderOf(record: LockRecord | undefined, stopped: boolean): Holder {
  const name = record ? `${record.pid}@${printable(String(record.host))}` : "of unknown number";
  if (!stopped) return { process: name };
  return { process: name, stopped: `is suspended: continue it (kill -CONT ${record!.pid}) or end it (kill -KILL ${record!.pid})` };
}

/** Removes a stale lock. Another waiter may have done so and taken the lock anew a moment ago: the file that was moved aside is
 *  examined, and put back when it is not the one that was judged stale. */
async function discard(path: string, staleInode: number): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(path, aside);
    if ((await stat(aside)).ino !== staleInode) await link(aside, path);
  } catch {
    // Another waiter was faster: the next round looks again.
  } finally {
    await rm(aside, { force: true });
  }
}
