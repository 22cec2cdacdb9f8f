// Splits: which clips are held out for validation, at random or by a list.
import { readFile } from "node:fs/promises";
import { ConfigError, NotFoundError } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.node.ts";

/** A random share under a seed, or a list of files and folders. */
export type ValidChoice = { readonly percent: number; readonly seed: number } | { readonly list: readonly string[] };

/** Splits paths into train and valid; both keep their order. A path's rank in the draw depends on the seed and the path alone, so added files
 *  move few others. Of two or more files at least one is held out, unless the share is 0, and at least one is kept.
 *  @throws ConfigError where a list names no path, or all of them. */
export function splitPaths(paths: readonly string[], choice: ValidChoice): { train: string[]; valid: string[] } {
  const valid = "list" in choice ? listed(paths, choice.list) : drawn(paths, choice);
  return { train: paths.filter((path) => !valid.has(path)), valid: paths.filter((path) => valid.has(path)) };
}

function drawn(paths: readonly string[], { percent, seed }: { percent: number; seed: number }): Set<string> {
  const share = Math.round((percent / 100) * paths.length);
  const count = percent === 0 ? 0 : Math.min(paths.length - 1, Math.max(1, share));
  const ranked = paths.map((path) => [sha256(`${seed}\0${path}`), path] as const);
  return new Set(
    ranked
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, Math.max(0, count))
      .map(([, path]) => path),
  );
}

function listed(paths: readonly string[], list: readonly string[]): Set<string> {
  const names = new Set(list);
  const isListed = (path: string) => {
    for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) if (names.has(path.slice(0, at))) return true;
    return false;
  };
  const valid = new Set(paths.filter(isListed));
  if (valid.size === paths.length) throw new ConfigError(`The list names all ${paths.length} clips: none is left to train on.`);
  if (valid.size === 0) {
    throw new ConfigError(
      `The list names ${list.length} paths, none of them a clip (the first is ${JSON.stringify(list[0] ?? "")}, the corpus has ${JSON.stringify(paths[0] ?? "")}). Write paths relative to the corpus.`,
    );
  }
  return valid;
}

/** Reads a list of files and folders to hold out, one a line, relative to the corpus; lines that begin with # are comments. */
export async function readSplitList(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new NotFoundError(`There is no file ${path}.`) : error;
  });
  const lines = text.split(/\r?\n/).map((line) => line.trim().replace(/^\.\//, "").replace(/\/$/, ""));
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}
