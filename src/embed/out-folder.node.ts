// The output folder of a corpus run: one run at a time writes to it, and what killed runs left half-written is swept away first.
import { readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError, messageOf, OstinatoError } from "../base/errors.ts";
import { diskIsFull, makeFolder } from "../base/files.node.ts";
import { type Lock, takeLock } from "../base/lock.node.ts";
import type { NamedFile } from "./audio-files.node.ts";

/** The disk is full: the run ends, for every further file would fail likewise. */
export class OutputFullError extends OstinatoError {}

/** Makes the folder ready for a run over `files` and keeps other runs out until the lock is released.
 *  @throws ConfigError when it can't be made or written to, or when another run is at work in it; OutputFullError. */
export async function claimFolder(folder: string, files: readonly NamedFile[], signal?: AbortSignal): Promise<Lock> {
  await checkWritable(folder);
  const refusal = (holder: string) =>
    new ConfigError(`Another run (process ${holder}) is writing to ${folder}. Wait for it to end, or give another --out.`);
  const lock = await takeLock(join(folder, ".ostinato.lock"), { refusal, signal }).catch((error) => {
    throw outputError(error, folder);
  });
  await sweep(folder, files);
  return lock;
}

/** An error of the system that says the disk is full, in words; any other error as it is. */
export function outputError(error: unknown, folder: string): unknown {
  if (!diskIsFull(error)) return error;
  const advice = "Make room and run the same command again: what is finished is kept and skipped.";
  return new OutputFullError(`The disk of the output folder ${folder} is full (${messageOf(error)}). ${advice}`, { cause: error });
}

/** @throws ConfigError when the folder can't be made or written to: better before hours of work than after. */
async function checkWritable(folder: string): Promise<void> {
  const trial = join(folder, `.ostinato-${process.pid}.tmp`);
  try {
    await makeFolder(folder);
    await writeFile(trial, "");
    await rm(trial);
  } catch (error) {
    throw new ConfigError(`The output folder ${folder} can't be written to (${messageOf(error)}). Give another --out.`);
  }
}

/** Files get their name once they are whole; a run that was killed leaves them under a temporary one. */
const temporaryName = /\.(npy|npz|json|jsonl|parquet)\.[0-9a-f]{8}\.tmp$|^\.ostinato-\d+\.tmp$/;

/** Removes temporary files from the folders that this run writes to. */
async function sweep(folder: string, files: readonly NamedFile[]): Promise<void> {
  for (const inner of new Set([".", ...files.map(({ name }) => dirname(name))])) {
    const names = await readdir(join(folder, inner)).catch(() => []); // not there yet
    for (const name of names.filter((each) => temporaryName.test(each))) await rm(join(folder, inner, name), { force: true });
  }
}
