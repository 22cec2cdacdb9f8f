// Cache: the folder layout of Python's huggingface_hub, so that both libraries share one copy of every model.
//
//   models--<org>--<name>/
//     refs/<revision>               the commit a branch or tag last pointed to
//     blobs/<etag>                  contents: named by SHA-256 (large files) or git's SHA-1 (small ones)
//     snapshots/<commit>/<file>     a link ../../blobs/<etag>
//     .no_exist/<commit>/<file>     an empty mark: the hub is known to have no such file at this commit
import { copyFile, link, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { HubError } from "../base/errors.ts";
import { makeFolder, readTextIfThere, temporaryPath, writeAtomic } from "../base/files.node.ts";
import { shown } from "../base/shown.ts";

/** The folder of one model in the cache: models--org--name. */
export function repoFolder(cacheDir: string, name: string): string {
  return join(cacheDir, `models--${name.split("/").join("--")}`);
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** Lets a relative name from outside (a server's listing, a revision) pass only where it stays inside its folder.
 *  @throws HubError for absolute paths, "..", backslashes, drive letters and control characters. */
export function checkInside(name: string, what: string): string {
  const parts = name.split("/");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not pass.
  if (/[\\:\x00-\x1f]/.test(name) || parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new HubError(`${what} ${shown(name)} would lead out of the cache folder: it is refused. Is the endpoint trustworthy?`);
  }
  return name;
}

export function blobPath(repo: string, etag: string): string {
  return join(repo, "blobs", etag);
}

export function snapshotFolder(repo: string, commit: string): string {
  return join(repo, "snapshots", commit);
}

/** The commit a revision stood for when it was last looked up; undefined when it never was. */
export async function readRef(repo: string, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const text = await readTextIfThere(join(repo, "refs", checkInside(revision, "The revision")), 4096);
  const commit = text?.trim();
  return commit && checkInside(commit, "The commit");
}

export async function writeRef(repo: string, revision: string, commit: string): Promise<void> {
  if (revision === commit || (await readRef(repo, revision)) === commit) return;
  await writeAtomic(join(repo, "refs", revision), commit);
}

/** The files a snapshot really holds, as relative names with "/". Links whose blob is gone don't count. */
export async function snapshotFiles(repo: string, commit: string): Promise<string[]> {
  const folder = snapshotFolder(repo, commit);
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true }).catch(absent)) ?? [];
  const names: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isDirectory() && (await exists(path))) names.push(relative(folder, path).split(sep).join("/"));
  }
  return names.sort();
}

/** Remembers that the hub has no such file at this commit, as huggingface_hub does. */
export async function markAbsent(repo: string, commit: string, file: string): Promise<void> {
  const path = join(repo, ".no_exist", commit, file);
  if (!(await exists(path))) await writeAtomic(path, "");
}

export async function isKnownAbsent(repo: string, commit: string, file: string): Promise<boolean> {
  return exists(join(repo, ".no_exist", commit, file));
}

type Placing = (blob: string, pointer: string) => Promise<void>;

/** Ways to make a blob appear in a snapshot, best first: Windows without developer mode has no symlinks, FAT no links at all. */
export const placings: readonly Placing[] = [
  (blob, pointer) => symlink(relative(dirname(pointer), blob), pointer),
  (blob, pointer) => link(blob, pointer),
  (blob, pointer) => copyFile(blob, pointer),
];

/** Makes the blob appear as a file of the snapshot, atomically, and returns that file's path. */
export async function placeFile(repo: string, commit: string, file: string, etag: string, ways = placings): Promise<string> {
  const pointer = join(snapshotFolder(repo, commit), file);
  await makeFolder(dirname(pointer));
  const temporary = temporaryPath(pointer);
  for (const [i, place] of ways.entries()) {
    try {
      await place(blobPath(repo, etag), temporary);
      await rename(temporary, pointer);
      return pointer;
    } catch (error) {
      await rm(temporary, { force: true });
      if (i === ways.length - 1) throw error;
    }
  }
  return pointer;
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(absent)) !== undefined;
}

/** For `catch`: a missing file or folder is undefined, any other failure stays one. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
