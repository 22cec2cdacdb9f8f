// The output folder of a corpus run: claimed for one run at a time; a full disk becomes an error in words.
import { dirname } from "node:path";
import { claimFolder } from "../base/claim.node.ts";
import { messageOf, OstinatoError } from "../base/errors.ts";
import { diskIsFull } from "../base/files.node.ts";
import type { Lock } from "../base/lock.node.ts";
import type { NamedFile } from "./audio-files.ts";

/** The disk is full. The run ends, since every further file would fail as well. */
export class OutputFullError extends OstinatoError {
  override readonly code: string = "OSTINATO_OUTPUT_FULL";
}

/** Claims the folder for a run over `files`. Temporary files of killed runs are removed from the folders that this run writes to.
 *  @throws as `base/claim.node.ts` does, and OutputFullError. */
export async function claimOutFolder(folder: string, files: readonly NamedFile[], signal?: AbortSignal): Promise<Lock> {
  const sweep = [...new Set([".", ...files.map(({ name }) => dirname(name))])];
  return claimFolder(folder, { sweep, signal }).catch((error) => {
    throw outputError(error, folder);
  });
}

/** Turns a system error for a full disk into an OutputFullError; returns any other error unchanged. */
export function outputError(error: unknown, folder: string): unknown {
  if (!diskIsFull(error)) return error;
  const advice = "Make room and run the same command again: finished outputs are kept and skipped.";
  return new OutputFullError(`The disk of the output folder ${folder} is full (${messageOf(error)}). ${advice}`, { cause: error });
}
