// Walking folders: every entry below a folder, in one order on every machine.
import { readdir } from "node:fs/promises";
import { join } from "node:path";

export interface WalkedEntry {
  /** Relative to the folder that is walked, parts joined by "/". */
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "other";
  /** False for a name that is not UTF-8: `path` shows it with replacement characters and opens nothing. */
  readonly readable: boolean;
}

export interface WalkOptions {
  /** Also entries whose name begins with "." (".DS_Store", "._song.mp3"), and what lies in such folders; default false. */
  readonly hidden?: boolean;
  /** Called with a folder that can't be listed, which then counts as empty. Default: it is thrown, but for a root that does not exist. */
  readonly onError?: (path: string, error: NodeJS.ErrnoException) => void;
}

/** Entries below `root`, a folder before what it holds, each folder's entries by code units of their names. Links are listed and not followed. */
export async function* walkFolder(root: string, options: WalkOptions = {}): AsyncGenerator<WalkedEntry> {
  yield* walkBelow(root, "", options);
}

/** Paths of the files below `root`, as `walkFolder` orders them; links and what is no regular file are left out. */
export async function filesBelow(root: string, options: WalkOptions = {}): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path, kind, readable } of walkFolder(root, options)) if (kind === "file" && readable) paths.push(path);
  return paths;
}

async function* walkBelow(root: string, below: string, options: WalkOptions): AsyncGenerator<WalkedEntry> {
  const { hidden = false, onError } = options;
  const entries = await listed(join(root, below)).catch((error: NodeJS.ErrnoException) => {
    if (onError) onError(below, error);
    else if (below !== "" || !["ENOENT", "ENOTDIR"].includes(error.code ?? "")) throw error;
    return [];
  });
  for (const { name, kind, readable } of entries) {
    if (!hidden && name.startsWith(".")) continue;
    const path = below === "" ? name : `${below}/${name}`;
    yield { path, kind, readable };
    if (kind === "folder" && readable) yield* walkBelow(root, path, options);
  }
}

type Listed = Omit<WalkedEntry, "path"> & { readonly name: string };

/** A folder's entries by name. Names are read as bytes: as text, one that is not UTF-8 could not be told from others. */
async function listed(folder: string): Promise<Listed[]> {
  const entries = await readdir(folder, { withFileTypes: true, encoding: "buffer" });
  return entries
    .map((entry): Listed => {
      const bytes = entry.name;
      const name = bytes.toString("utf8");
      const kind = entry.isFile() ? "file" : entry.isDirectory() ? "folder" : entry.isSymbolicLink() ? "link" : "other";
      return { name, kind, readable: Buffer.from(name, "utf8").equals(bytes) };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
