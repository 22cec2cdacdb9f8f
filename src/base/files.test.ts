// Files: folders made step by step, and files that are whole or absent.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fileSource, makeFolder, writeAtomic } from "./files.node.ts";

test("a folder is made with those above it, again without complaint, and refused where the system refuses", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ostinato-files-"));
  await Promise.all(Array.from({ length: 20 }, () => makeFolder(join(folder, "a/b/c"))));
  await makeFolder(join(folder, "a/b/c"));
  expect(await readdir(join(folder, "a/b"))).toEqual(["c"]);
  await writeAtomic(join(folder, "file"), "x");
  await expect(makeFolder(join(folder, "file"))).rejects.toThrow(/EEXIST/);
  await expect(makeFolder(join(folder, "file/below"))).rejects.toThrow(/ENOTDIR/);
  await expect(makeFolder("/proc/ostinato/x")).rejects.toThrow(); // Node's recursive mkdir never returns here
  await rm(folder, { recursive: true });
});

test("a write that fails midway leaves neither the file nor its temporary", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ostinato-files-"));
  const chunks = function* () {
    yield new Uint8Array(10);
    throw new Error("midway");
  };
  await expect(writeAtomic(join(folder, "whole"), chunks())).rejects.toThrow("midway");
  expect(await readdir(folder)).toEqual([]);
  await writeAtomic(join(folder, "whole"), "first");
  await expect(writeAtomic(join(folder, "whole"), chunks())).rejects.toThrow("midway");
  expect(await readFile(join(folder, "whole"), "utf8")).toBe("first");
  const source = await fileSource(join(folder, "whole"));
  await expect(source.read(3, 9)).rejects.toThrow("ends at byte 5");
  await source.close();
  await rm(folder, { recursive: true });
});
