// Audio files: expands a list of files, folders and globs, and names the outputs. Both depend on the list and the folders alone, not on the
// run.
import { stat } from "node:fs/promises";
import { dirname, extname, join, parse, relative, resolve, sep } from "node:path";
import { audioExtensions } from "../audio/extensions.ts";
import { walkFolder } from "../base/walk.node.ts";
import { globPattern, globRoot, isGlob } from "./glob.ts";

/** A file and the name of its output, without the extension; folders are separated by "/". */
export interface NamedFile {
  readonly file: string;
  readonly name: string;
}

/** The files that a list stands for, each once: in the order of the list, sorted within folders and globs.
 *  A path that does not exist stays in the list, so that the run reports it as missing. */
export async function expandFiles(inputs: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const input of inputs) {
    const entry = await stat(input).catch(() => undefined);
    const named = entry?.isDirectory() ? await audioIn(input) : !entry && isGlob(input) ? await globbed(input) : [input];
    for (const file of named) files.push(file); // one by one: a call takes no hundred thousand arguments
  }
  const seen = new Set<string>();
  return files.filter((file) => {
    const path = resolve(file);
    return !seen.has(path) && seen.add(path);
  });
}

/** Names outputs after their files' stems. Files that share a stem are named by their path below the closest common folder, and with their
 *  extension where only that differs. */
export function nameOutputs(files: readonly string[]): NamedFile[] {
  const stems = files.map((file) => parse(file).name);
  const clashes = repeated(stems);
  const common = commonFolder(files.filter((_, i) => clashes.has(fold(stems[i]!))));
  const paths = files.map((file, i) => {
    if (!clashes.has(fold(stems[i]!))) return stems[i]!;
    return join(relative(common, dirname(resolve(file))), stems[i]!)
      .split(sep)
      .join("/");
  });
  const still = repeated(paths);
  return files.map((file, i) => ({ file, name: still.has(fold(paths[i]!)) ? `${paths[i]}${extname(file)}` : paths[i]! }));
}

/** Some file systems ignore case. */
function fold(name: string): string {
  return name.toLowerCase();
}

function repeated(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  return new Set(names.map(fold).filter((name) => seen.has(name) || !seen.add(name)));
}

function commonFolder(files: readonly string[]): string {
  const folders = files.map((file) => dirname(resolve(file)).split(sep));
  const [first = []] = folders;
  const depth = first.findIndex((name, i) => folders.some((folder) => folder[i] !== name));
  return (depth < 0 ? first : first.slice(0, depth)).join(sep) || sep;
}

async function audioIn(folder: string): Promise<string[]> {
  const files = await filesBelow(folder);
  return files.filter((file) => audioExtensions.includes(extname(file).slice(1).toLowerCase()));
}

async function globbed(pattern: string): Promise<string[]> {
  const matches = globPattern(pattern);
  return (await filesBelow(globRoot(pattern))).filter((file) => matches.test(file.split(sep).join("/")));
}

/** Regular files below a folder and links to such, sorted, without hidden ones. A name that is not UTF-8 is listed too: trying it reports it. */
async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { path, kind, readable } of walkFolder(folder)) {
    const file = join(folder, path);
    const linked = kind === "link" && (await stat(file).catch(() => undefined))?.isFile();
    if (kind === "file" || (kind !== "folder" && !readable) || linked) files.push(file);
  }
  return files;
}
