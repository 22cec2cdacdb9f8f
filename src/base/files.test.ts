// Files: folders made step by step, and files that are whole or absent.
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fileSource, makeFolder, readJson, readText, readTextIfThere, writeAtomic } from "./files.node.ts";

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

test.runIf(process.platform === "linux")(
  "a pipe, a device or a folder in place of a file is refused at once, also behind a link",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "ostinato-files-"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await symlink("/dev/zero", join(folder, "zero"));
    for (const open of [fileSource, readText, readTextIfThere, readJson]) {
      await expect(open(join(folder, "pipe"))).rejects.toThrow(/pipe is a pipe, not a file/);
      await expect(open(join(folder, "zero"))).rejects.toThrow(/zero is a device, not a file/);
      await expect(open(folder)).rejects.toThrow(/is a folder, not a file/);
    }
    await rm(folder, { recursive: true });
  },
);

test("a small file is read up to its limit, and one that does not exist is told from one that can't be read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ostinato-files-"));
  const path = join(folder, "a.json");
  await writeAtomic(path, `{"a":"${"x".repeat(100)}"}`);
  expect(await readText(path)).toHaveLength(108);
  await expect(readText(path, 107)).rejects.toThrow("has 108 bytes, more than the 107");
  expect(await readTextIfThere(join(folder, "none"))).toBeUndefined();
  await expect(readText(join(folder, "none"))).rejects.toThrow("There is no file");
  await writeAtomic(path, '{"a":1,"a":2}');
  await expect(readJson(path)).rejects.toThrow(`${path} names the key a twice`);
  await rm(folder, { recursive: true });
});
