// The output folder of a corpus run, and what is said when its disk is full.
import { dirname } from "node:path";
import { claimFolder } from "../base/claim.node.ts";
import { messageOf, OstinatoError } from "../base/errors.ts";
import { diskIsFull } from "../base/files.node.ts";
import type { Lock } from "../base/lock.node.ts";
import type { NamedFile } from "./audio-files.ts";

/** The disk is full: the run ends, for every further file would fail likewise. */
export class OutputFullError extends OstinatoError {
  override readonly code: string = "OSTINATO_OUTPUT_FULL";
}

/** Claims the folder for a run over `files`; swept are only the folders that it writes to.
 *  @throws as `base/claim.node.ts` does, and OutputFullError. */
export async function claimOutFolder(folder: string, files: readonly NamedFile[], signal?: AbortSignal): Promise<Lock> {
  const sweep = [...new Set([".", ...files.map(({ name }) => dirname(name))])];
  return claimFolder(folder, { sweep, signal }).catch((error) => {
    throw outputError(error, folder);
  });
}

/** An error of the system that says the disk is full, in words; any other error as it is. */
export function outputError(error: unknown, folder: string): unknown {
  if (!diskIsFull(error)) return error;
  const advice = "Make room and run the same command again: what is finished is kept and skipped.";
  return new OutputFullError(`The disk of the output folder ${folder} is full (${messageOf(error)}). ${advice}`, { cause: error });
}
