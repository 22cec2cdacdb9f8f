// Walking folders: order, hidden entries, links, and names that are not UTF-8.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { filesBelow, walkFolder } from "./walk.node.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-walk-"));
  await mkdir(join(root, "b/.hidden"), { recursive: true });
  await mkdir(join(root, "empty"));
  for (const path of ["b/2.wav", "b/10.wav", "a.wav", "Z.wav", ".DS_Store", "b/.hidden/x.wav"]) await writeFile(join(root, path), "");
  await symlink(".", join(root, "loop"));
});
afterAll(() => rm(root, { recursive: true }));

async function all(options = {}): Promise<string[]> {
  const seen: string[] = [];
  for await (const { path, kind } of walkFolder(root, options)) seen.push(`${kind} ${path}`);
  return seen;
}

test("entries come in one order, folders before their contents; hidden ones are left out and links not followed", async () => {
  expect(await all()).toEqual(["file Z.wav", "file a.wav", "folder b", "file b/10.wav", "file b/2.wav", "folder empty", "link loop"]);
  expect(await filesBelow(root)).toEqual(["Z.wav", "a.wav", "b/10.wav", "b/2.wav"]);
  expect(await filesBelow(root, { hidden: true })).toEqual([".DS_Store", "Z.wav", "a.wav", "b/.hidden/x.wav", "b/10.wav", "b/2.wav"]);
});

test("a root that does not exist holds nothing, unless errors are asked for", async () => {
  expect(await filesBelow(join(root, "missing"))).toEqual([]);
  const codes: (string | undefined)[] = [];
  expect(await filesBelow(join(root, "missing"), { onError: (_, { code }) => codes.push(code) })).toEqual([]);
  expect(codes).toEqual(["ENOENT"]);
});

test.runIf(process.platform === "linux")("a name that is not UTF-8 is listed as one that can't be opened", async () => {
  const path = Buffer.concat([Buffer.from(join(root, "empty/")), Buffer.from([0x63, 0xe9, 0x2e, 0x77])]);
  await writeFile(path, "");
  const names: [string, boolean][] = [];
  for await (const entry of walkFolder(root)) if (entry.path.startsWith("empty/")) names.push([entry.path, entry.readable]);
  expect(names).toEqual([["empty/c\ufffd.w", false]]);
  await rm(path);
});
