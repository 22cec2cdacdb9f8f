// Finding audio: every sound file below a folder in a fixed order, and what looks like one but can't be read.
import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { audioExtensions } from "../../audio/extensions.ts";
import { NotFoundError } from "../../base/errors.ts";
import { canBeNamed } from "./manifest.ts";

/** A file of a corpus. */
export interface FoundFile {
  /** Relative to the corpus, in POSIX form. */
  readonly path: string;
  readonly bytes: number;
  /** Time of its last change, as ISO 8601 has it. */
  readonly modified: string;
}

/** A file that a corpus can't use, and why. */
export interface FileFault {
  readonly path: string;
  /** In a word or two, for counting: "empty", "corrupt", "no permission". */
  readonly fault: string;
  /** What was found and what to do. */
  readonly message: string;
}

export interface FoundAudio {
  readonly files: readonly FoundFile[];
  readonly faults: readonly FileFault[];
}

/** Looks through a folder and those below it; hidden files and links to folders are left out.
 *  @throws NotFoundError where there is no such folder, or no sound in it. */
export async function findAudio(root: string): Promise<FoundAudio> {
  const found = await stat(root).catch(() => undefined);
  if (!found?.isDirectory()) throw new NotFoundError(`There is no folder ${root}. Give the folder of the recordings.`);
  const files: FoundFile[] = [];
  const faults: FileFault[] = [];
  await search(root, "", files, faults);
  if (files.length + faults.length === 0) {
    throw new NotFoundError(
      `There is no audio file in ${root}: it was searched for ${audioExtensions.slice(0, 13).join(", ")} and others.`,
    );
  }
  return { files, faults };
}

async function search(root: string, below: string, files: FoundFile[], faults: FileFault[]): Promise<void> {
  const folder = join(root, below);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    faults.push(faultOf(below, folder, error));
    return [];
  });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith(".")) continue;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    const isNamedSound = audioExtensions.includes(extname(entry.name).slice(1).toLowerCase());
    if (entry.isDirectory()) {
      const before = files.length + faults.length;
      await search(root, path, files, faults);
      if (isNamedSound && files.length + faults.length === before) faults.push(notFile(path, join(root, path)));
    } else if (isNamedSound) await look(root, path, files, faults);
  }
}

async function look(root: string, path: string, files: FoundFile[], faults: FileFault[]): Promise<void> {
  const whole = join(root, path);
  if (!canBeNamed(path)) {
    const message = `${JSON.stringify(whole)} has a tab or a line break in its name, which no manifest can hold. Rename it.`;
    faults.push({ path: path.replace(/[\t\r\n]/g, " "), fault: "bad name", message });
    return;
  }
  try {
    const found = await stat(whole);
    if (found.isFile()) {
      await access(whole, constants.R_OK);
      files.push({ path, bytes: found.size, modified: found.mtime.toISOString() });
    } else if (!found.isDirectory()) faults.push(notFile(path, whole)); // a link to a folder is left out as all such are
  } catch (error) {
    faults.push(faultOf(path, whole, error as NodeJS.ErrnoException));
  }
}

function notFile(path: string, whole: string): FileFault {
  return { path, fault: "not a file", message: `${whole} is named like a sound file, but is no file. Rename it, or move it away.` };
}

function faultOf(path: string, whole: string, { code, message }: NodeJS.ErrnoException): FileFault {
  if (code === "EACCES" || code === "EPERM") {
    return { path, fault: "no permission", message: `${whole} may not be read. Give this user the right to: chmod u+r.` };
  }
  if (code === "ENOENT" || code === "ELOOP") {
    return { path, fault: "missing", message: `${whole} is a link to something that is not there. Mend or remove it.` };
  }
  return { path, fault: "unreadable", message: `${whole} can't be read (${message}). Check the disk it lies on.` };
}
