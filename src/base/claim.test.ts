// Claims: one run at a time, what is half-written goes, everything else stays.
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claimFolder, inClaimedFolder } from "./claim.node.ts";
import { temporaryPath } from "./files.node.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-claim-"));
});
afterAll(() => rm(root, { recursive: true }));

test("a folder that does not exist is made, and a second run is refused while the first is at work", async () => {
  const folder = join(root, "deep/er");
  const lock = await claimFolder(folder);
  await expect(claimFolder(folder)).rejects.toThrow(new RegExp(`Another run \\(process ${process.pid}@.*is writing to ${folder}`)); // at its next sign of life
  await lock.release();
  expect(await readdir(folder)).toEqual([]);
});

test("a run that fails leaves the folder free", async () => {
  const folder = join(root, "failing");
  await expect(inClaimedFolder(folder, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  await (await claimFolder(folder)).release();
});

test("what killed runs left half-written goes, in the folders that are named; what another program wrote stays", async () => {
  const folder = join(root, "left");
  await mkdir(join(folder, "inner"), { recursive: true });
  const ours = ["a.npy", "inner/b.wav"].map((name) => temporaryPath(join(folder, name)));
  for (const path of [...ours, join(folder, "notes.tmp"), join(folder, "c.0123abcd.tmp")]) await writeFile(path, "half");
  await inClaimedFolder(folder, async () => {}, { sweep: [".", "not-there"] });
  expect((await readdir(folder)).sort()).toEqual(["c.0123abcd.tmp", "inner", "notes.tmp"]);
  expect(await readdir(join(folder, "inner"))).toHaveLength(1);
  await inClaimedFolder(folder, async () => {});
  expect(await readdir(join(folder, "inner"))).toEqual([]);
  expect((await readdir(folder)).sort()).toEqual(["c.0123abcd.tmp", "inner", "notes.tmp"]);
});

test("a place that can't be written to is refused before any work", async () => {
  await writeFile(join(root, "file"), "");
  await expect(claimFolder(join(root, "file"))).rejects.toThrow(/can't be written to .*Give another --out/);
});
