// Age: how old a row of bench/results is, and whether what it measured has changed since.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { importsOf } from "../test/source-imports.ts";
import { git, type Run } from "./results.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** All files of this repository that `program` (relative to the repository) loads: itself and its imports, and theirs. Types alone don't count.
 *  `read` gives a file's text, or undefined where there is no such file. */
export function importedFiles(program: string, read: (path: string) => string | undefined = readFromDisk): string[] {
  const files = new Set([program]);
  for (const file of files) {
    for (const { target, typeOnly } of importsOf(read(file) ?? "")) {
      const path = join(dirname(file), target);
      if (!typeOnly && target.startsWith(".") && read(path) !== undefined) files.add(path);
    }
  }
  return [...files];
}

function readFromDisk(path: string): string | undefined {
  return existsSync(root + path) ? readFileSync(root + path, "utf8") : undefined;
}

export interface Age {
  /** "3 days, 12 commits ago", or why it isn't known. */
  readonly text: string;
  /** Whether the row may not describe the present code: a file that the program imports has changed since, or the row doesn't say which
   *  commit it measured, or the tree was not clean. The reason, in words; undefined where the row is current. */
  readonly outdated: string | undefined;
}

/** The age of a row's run at `now`. `files` are those that the program imports; `ask` runs git. */
export function ageOf(run: Run, files: readonly string[], { ask = git, now = Date.now() } = {}): Age {
  const commit = run.commit ?? run.addedBy;
  if (commit === undefined || commit === null) return { text: "unknown", outdated: "the commit was not recorded" };
  const seconds = ask("log", "-1", "--format=%ct", commit);
  const commits = ask("rev-list", "--count", `${commit}..HEAD`);
  if (seconds === undefined || commits === undefined)
    return { text: "unknown", outdated: `commit ${commit.slice(0, 9)} is not in this history` };
  const text = `${duration(now / 1000 - Number(seconds))}, ${commits} commits${run.commit ? "" : " or more"}`;
  const changed = ask("diff", "--name-only", commit, "--", ...files)
    ?.split("\n")
    .filter(Boolean);
  if (changed === undefined) return { text, outdated: "git can't compare its commit with this tree" };
  if (changed.length > 0) return { text, outdated: `${changed.length} of ${files.length} imported files changed since` };
  if (!run.commit) return { text, outdated: "the commit was not recorded" };
  if (run.clean !== true) return { text, outdated: "the tree was not clean" };
  return { text, outdated: undefined };
}

function duration(seconds: number): string {
  const [count, unit] = seconds < 5400 ? [seconds / 60, "min"] : seconds < 172_800 ? [seconds / 3600, "h"] : [seconds / 86_400, "days"];
  return `${Math.max(0, Math.round(count))} ${unit}`;
}
