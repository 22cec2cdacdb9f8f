// Finding audio: every audio file below a folder in a fixed order, and everything named like one that can't be used.
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { audioExtensions } from "../../audio/extensions.ts";
import { NotFoundError } from "../../base/errors.ts";
import { walkFolder } from "../../base/walk.node.ts";
import { canBeNamed } from "./manifest.ts";

/** A file of a corpus. */
export interface FoundFile {
  /** Relative to the corpus, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Time of the last change, in ISO 8601. */
  readonly modified: string;
}

/** A file that can't be used, and why. */
export interface FileFault {
  readonly path: string;
  /** The kind of fault in one or two words, for counting: "empty", "corrupt", "no permission". */
  readonly fault: string;
  /** What was found and what to do. */
  readonly message: string;
}

export interface FoundAudio {
  readonly files: readonly FoundFile[];
  readonly faults: readonly FileFault[];
}

/** Lists the audio files of a folder and of those below it; hidden files and links to folders are left out.
 *  @throws NotFoundError where there is no such folder, or no audio file in it. */
export async function findAudio(root: string): Promise<FoundAudio> {
  const folder = await stat(root).catch(() => undefined);
  if (!folder?.isDirectory()) throw new NotFoundError(`There is no folder ${root}. Give the folder of the recordings.`);
  const files: FoundFile[] = [];
  const faults: FileFault[] = [];
  const foldersNamedAsAudio: string[] = [];
  const onError = (path: string, error: NodeJS.ErrnoException) => faults.push(systemFault(path, join(root, path), error));
  for await (const { path, kind, readable } of walkFolder(root, { onError })) {
    if (!audioExtensions.includes(extname(path).slice(1).toLowerCase())) continue;
    if (kind === "folder") foldersNamedAsAudio.push(path);
    else if (!readable || !canBeNamed(path)) faults.push(nameFault(path, join(root, path), readable));
    else await inspect(root, path, files, faults);
  }
  const isEmpty = (path: string) => ![...files, ...faults].some((each) => each.path.startsWith(`${path}/`));
  for (const path of foldersNamedAsAudio) if (isEmpty(path)) faults.push(notFile(path, join(root, path)));
  if (files.length + faults.length === 0) {
    throw new NotFoundError(
      `There is no audio file in ${root}: it was searched for ${audioExtensions.slice(0, 13).join(", ")} and others.`,
    );
  }
  return { files, faults };
}

/** Adds a file, or why it can't be used. A link to a folder is neither. */
async function inspect(root: string, path: string, files: FoundFile[], faults: FileFault[]): Promise<void> {
  const whole = join(root, path);
  try {
    const facts = await stat(whole);
    if (facts.isFile()) {
      await access(whole, constants.R_OK);
      files.push({ path, bytes: facts.size, modified: facts.mtime.toISOString() });
    } else if (!facts.isDirectory()) faults.push(notFile(path, whole));
  } catch (error) {
    faults.push(systemFault(path, whole, error as NodeJS.ErrnoException));
  }
}

function nameFault(path: string, whole: string, isUtf8: boolean): FileFault {
  const what = isUtf8 ? "has a tab or a line break in its name" : "has a name that is not UTF-8";
  const message = `${JSON.stringify(whole)} ${what}, which a manifest can't hold. Rename it.`;
  return { path: path.replace(/[\t\r\n]/g, " "), fault: "bad name", message };
}

function notFile(path: string, whole: string): FileFault {
  return { path, fault: "not a file", message: `${whole} is named like an audio file, but is no file. Rename it, or move it away.` };
}

function systemFault(path: string, whole: string, { code, message }: NodeJS.ErrnoException): FileFault {
  if (code === "EACCES" || code === "EPERM") {
    return { path, fault: "no permission", message: `${whole} can't be read by this user. Allow it: chmod u+r.` };
  }
  if (code === "ENOENT" || code === "ELOOP") {
    return { path, fault: "missing", message: `${whole} is a link whose target does not exist. Repair or remove it.` };
  }
  return { path, fault: "unreadable", message: `${whole} can't be read (${message}). Check the disk that holds it.` };
}
