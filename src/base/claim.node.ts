// Claims: one run at a time writes to a folder, after what killed runs left half-written in it was removed.
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OutputRemovedError } from "./append-file.node.ts";
import { ConfigError, messageOf } from "./errors.ts";
import { isTemporary, makeFolder, placeAt, temporaryPath } from "./files.node.ts";
import { type Holder, type Lock, takeLock } from "./lock.node.ts";

export interface ClaimOptions {
  /** Folders within it to sweep, for one that may hold much beside the run's files; default: it and all within it. */
  readonly sweep?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** As in `LockOptions`; default 60,000, since a computation may keep this thread from touching the lock for long. */
  readonly staleMs?: number | undefined;
  /** Stands in for this machine's identity in tests. */
  readonly machine?: string | undefined;
}

/** Makes a folder ready for a run, and keeps other runs out of it until the lock is released. The lock's `check` also fails when the
 *  folder was removed or replaced.
 *  @throws ConfigError when it can't be created or written to (better before hours of work than after), or when another run is writing to it. */
export async function claimFolder(folder: string, options: ClaimOptions = {}): Promise<Lock> {
  const { sweep, signal, staleMs = 60_000, machine } = options;
  await checkWritable(folder);
  const refusal = ({ process, stopped }: Holder) =>
    new ConfigError(
      stopped
        ? `Another run (process ${process}) is writing to ${folder} and ${stopped}. Or give another --out.`
        : `Another run (process ${process}) is writing to ${folder}. Wait for it to end, or give another --out.`,
    );
  const lock = await takeLock(join(folder, ".ostinato.lock"), { refusal, signal, staleMs, machine });
  try {
    for (const path of await halfWritten(folder, sweep)) await rm(path, { force: true });
    const claimed = placeAt(folder);
    return {
      ...lock,
      async check() {
        const there = placeAt(folder);
        if (there === undefined || there.dev !== claimed?.dev || there.ino !== claimed.ino) {
          throw new OutputRemovedError(
            `The output folder ${folder} was ${there ? "replaced" : "removed"} while this run was writing to it: what was in it is lost. Run again to write it anew.`,
          );
        }
        await lock.check();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Runs `body` in a folder that is claimed for it, and checks at its end that the folder is still the one that was claimed.
 *  @throws as `claimFolder` does; OutputRemovedError and LockLostError. */
export async function inClaimedFolder<T>(folder: string, body: (claim: Lock) => Promise<T>, options?: ClaimOptions): Promise<T> {
  const claim = await claimFolder(folder, options);
  try {
    const result = await body(claim);
    await claim.check();
    return result;
  } finally {
    await claim.release();
  }
}

async function halfWritten(folder: string, inner: readonly string[] | undefined): Promise<string[]> {
  const within = async (name: string, recursive: boolean) => {
    const names = await readdir(join(folder, name), { recursive }).catch(() => []); // not created yet
    return names.filter(isTemporary).map((each) => join(folder, name, each));
  };
  return inner ? (await Promise.all(inner.map((name) => within(name, false)))).flat() : within(".", true);
}

async function checkWritable(folder: string): Promise<void> {
  const trial = temporaryPath(join(folder, ".trial"));
  try {
    await makeFolder(folder);
    await writeFile(trial, "");
    await rm(trial);
  } catch (error) {
    throw new ConfigError(`The output folder ${folder} can't be written to (${messageOf(error)}). Give another --out.`);
  }
}
