// Results: the rows of bench/results, each with the commit, the machine, the date and the versions that it was measured with.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { cpuFeatures } from "../src/base/cpu.node.ts";

const machineSchema = z.strictObject({
  cpu: z.string(),
  cores: z.int().positive(),
  node: z.string(),
  /** Vector extensions by Linux's names, the memory, the system and the GPU: null where the row doesn't say. */
  cpuFeatures: z.array(z.string()).nullable(),
  memoryGB: z.number().positive().nullable(),
  system: z.string().nullable(),
  gpu: z.string().optional(),
});

const runSchema = z.strictObject({
  /** The commit of the tree that was measured, and whether the tree was clean. Null: it was not recorded. */
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .nullable(),
  clean: z.boolean().nullable(),
  /** For rows that did not record their commit: the commit that added the row. What was measured is no newer. */
  addedBy: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional(),
  date: z.iso.date().nullable(),
  machine: machineSchema.nullable(),
  /** Engines and peers by name. */
  versions: z.record(z.string(), z.string()),
});

/** A file of bench/results. */
export const resultsSchema = z.strictObject({
  /** The program that writes it, relative to the repository. */
  by: z.string(),
  question: z.string(),
  rows: z.array(z.looseObject({ run: runSchema })).min(1),
});

export type Machine = z.infer<typeof machineSchema>;
export type Run = z.infer<typeof runSchema>;
/** A row: its run, and what was measured. */
export type Row<T> = T & { readonly run: Run };
export interface Results<T> {
  readonly by: string;
  readonly question: string;
  readonly rows: readonly Row<T>[];
}

const root = fileURLToPath(new URL("../", import.meta.url));
const pathOf = (name: string) => `${root}bench/results/${name}.json`;

/** What git says in this repository; undefined outside of one. */
export function git(...args: string[]): string | undefined {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

export function machine(): Machine {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? "unknown",
    cores: cpus().length,
    node: process.version,
    cpuFeatures: cpuFeatures(),
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${platform()} ${arch()}`,
  };
}

// Read when the program starts, since the tree may change while it measures. What programs write themselves doesn't count.
const commit = git("rev-parse", "HEAD") ?? null;
const changes = git("status", "--porcelain", "--", ".", ":!bench/results", ":!docs/pictures");
const clean = changes === undefined ? null : changes === "";

/** The facts of this run. `versions` are those of the engines and peers. */
export function thisRun(versions: Readonly<Record<string, string>>): Run {
  return { commit, clean, date: new Date().toISOString().slice(0, 10), machine: machine(), versions: { ...versions } };
}

/** Writes rows of this run to bench/results/`name`.json. Rows of earlier runs stay there, with their own facts, where `keep` holds.
 *  @param by the program's `import.meta.url`. */
export function writeResults<T extends object>(
  name: string,
  results: {
    readonly by: string;
    readonly question: string;
    readonly versions: Readonly<Record<string, string>>;
    readonly rows: readonly T[];
    readonly keep?: (earlier: Row<T>) => boolean;
  },
): void {
  const { question, versions, keep = () => false } = results;
  const run = thisRun(versions);
  const earlier = readResults<T>(name)?.rows.filter(keep) ?? [];
  const by = fileURLToPath(results.by).slice(root.length);
  const rows = [...earlier, ...results.rows.map((row) => ({ run, ...row }))];
  mkdirSync(`${root}bench/results`, { recursive: true });
  writeFileSync(pathOf(name), `${JSON.stringify(resultsSchema.parse({ by, question, rows }), null, 2)}\n`);
}

/** What bench/results/`name`.json holds; undefined where there is no such file. */
export function readResults<T>(name: string): Results<T> | undefined {
  if (!existsSync(pathOf(name))) return undefined;
  return resultsSchema.parse(JSON.parse(readFileSync(pathOf(name), "utf8"))) as unknown as Results<T>;
}
