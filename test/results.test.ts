// Results: every row of bench/results says where it was measured, and rows older than the code that they measured are marked.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ageOf, importedFiles } from "../measure/age.ts";
import { type Run, resultsSchema, thisRun } from "../measure/results.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const commit = "a".repeat(40);
const run: Run = { commit, clean: true, date: "2026-01-02", machine: null, versions: {} };

/** A git of one commit an hour before `now`, five commits behind HEAD, since which `changed` files differ. */
const now = 1_800_000_000_000;
const fakeGit =
  (changed: readonly string[], known = true) =>
  (...args: string[]) => {
    if (!known) return undefined;
    if (args[0] === "log") return String(now / 1000 - 3 * 3600);
    if (args[0] === "rev-list") return "5";
    const asked = args.slice(args.indexOf("--") + 1);
    return changed.filter((file) => asked.includes(file)).join("\n");
  };

test.each(readdirSync(join(root, "bench/results")))(
  "each row of %s says its commit, machine, date and versions, or that they are unknown",
  (file) => {
    const { by, rows } = resultsSchema.parse(JSON.parse(readFileSync(join(root, "bench/results", file), "utf8")));
    expect(importedFiles(by).length).toBeGreaterThan(1);
    for (const row of rows) {
      if (row.run.commit === null) expect(row.run.addedBy).toBeDefined();
      else
        expect(row.run).toMatchObject({
          clean: expect.any(Boolean),
          date: expect.any(String),
          machine: { cpuFeatures: expect.any(Array) },
        });
    }
  },
);

test("the facts of a run name the commit that is checked out, the machine and the versions given", () => {
  const { commit, clean, date, machine, versions } = thisRun({ libtorch: "2.13.0" });
  expect(commit === null || /^[0-9a-f]{40}$/.test(commit)).toBe(true);
  expect(clean === null).toBe(commit === null);
  expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(machine?.cores).toBeGreaterThan(0);
  expect(versions).toEqual({ libtorch: "2.13.0" });
});

test("the imports of a program are followed to their end; types and packages don't count", () => {
  const sources: Record<string, string> = {
    "bench/a.ts": 'import { b } from "../src/b.ts";\nimport type { T } from "../src/type.ts";\nimport { z } from "zod";',
    "src/b.ts": 'export { c } from "./deep/c.ts";\nconst late = await import("./late.ts");',
    "src/deep/c.ts": 'import "../b.ts";',
    "src/late.ts": "",
    "src/type.ts": "",
  };
  expect(importedFiles("bench/a.ts", (path) => sources[path])).toEqual(["bench/a.ts", "src/b.ts", "src/deep/c.ts", "src/late.ts"]);
});

test("a row is current while no file that its program imports has changed since its commit", () => {
  const ask = fakeGit(["src/other.ts"]);
  expect(ageOf(run, ["bench/a.ts", "src/b.ts"], { ask, now })).toEqual({ text: "3 h, 5 commits", outdated: undefined });
});

test.each([
  ["a file that its program imports has changed", run, fakeGit(["src/b.ts"]), "1 of 2 imported files changed since"],
  ["its tree was not clean", { ...run, clean: false }, fakeGit([]), "the tree was not clean"],
  ["its commit was not recorded", { ...run, commit: null, addedBy: commit }, fakeGit([]), "the commit was not recorded"],
  ["its commit is not in the history", run, fakeGit([], false), "commit aaaaaaaaa is not in this history"],
] as const)("a row is outdated when %s", (_, row, ask, reason) => {
  expect(ageOf(row, ["bench/a.ts", "src/b.ts"], { ask, now }).outdated).toBe(reason);
});
