// Claims: one run at a time writes to a folder, and what killed runs left half-written in it is swept away first.
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, messageOf } from "./errors.ts";
import { isTemporary, makeFolder, temporaryPath } from "./files.node.ts";
import { type Lock, takeLock } from "./lock.node.ts";

export interface ClaimOptions {
  /** Folders within it to sweep, for one that may hold much that is not the run's; default: it and all within it. */
  readonly sweep?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes a folder ready for a run, and keeps other runs out of it until the lock is released.
 *  @throws ConfigError when it can't be made or written to (better before hours of work than after), or when another run is at work in it. */
export async function claimFolder(folder: string, { sweep, signal }: ClaimOptions = {}): Promise<Lock> {
  await checkWritable(folder);
  const refusal = (holder: string) =>
    new ConfigError(`Another run (process ${holder}) is writing to ${folder}. Wait for it to end, or give another --out.`);
  const lock = await takeLock(join(folder, ".ostinato.lock"), { refusal, signal });
  try {
    for (const path of await halfWritten(folder, sweep)) await rm(path, { force: true });
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Runs `body` in a folder that is claimed for it. @throws as `claimFolder` does. */
export async function inClaimedFolder<T>(folder: string, body: () => Promise<T>, options?: ClaimOptions): Promise<T> {
  const lock = await claimFolder(folder, options);
  try {
    return await body();
  } finally {
    await lock.release();
  }
}

async function halfWritten(folder: string, inner: readonly string[] | undefined): Promise<string[]> {
  const within = async (name: string, recursive: boolean) => {
    const names = await readdir(join(folder, name), { recursive }).catch(() => []); // not there yet
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
