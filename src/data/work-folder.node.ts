// Work folders: one run at a time writes to one, and what killed runs left half-written is swept away first.
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, messageOf } from "../base/errors.ts";
import { makeFolder } from "../base/files.node.ts";
import { takeLock } from "../base/lock.node.ts";

/** Names under which files are written before they are whole. */
const temporaryName = /\.[0-9a-f]{8}\.tmp$|^\.ostinato-\d+\.tmp$/;

/** Runs `body` while no other run may write to the folder, which is made where it is not there.
 *  @throws ConfigError where it can't be written to, or another run is at work in it. */
export async function inWorkFolder<T>(folder: string, body: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  await checkWritable(folder);
  const refusal = (holder: string) =>
    new ConfigError(`Another run (process ${holder}) is writing to ${folder}. Wait for it to end, or give another --out.`);
  const lock = await takeLock(join(folder, ".ostinato.lock"), { refusal, signal });
  try {
    const left = (await readdir(folder, { recursive: true })).filter((name) => temporaryName.test(name));
    for (const name of left) await rm(join(folder, name), { force: true });
    return await body();
  } finally {
    await lock.release();
  }
}

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
