// Expansion of lists of files, folders and globs, and the names of outputs.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expandFiles, nameOutputs } from "./audio-files.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-files-"));
  const files = "b.wav a.mp3 cover.jpg notes.txt .hidden.wav ._a.mp3 disc1/01.FLAC disc2/01.flac disc2/deep/x.ogg [live] {2}.wav";
  for (const file of files.replace("[live] {2}.wav", "").trim().split(" ").concat("[live] {2}.wav")) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), "");
  }
  await symlink(join(folder, "a.mp3"), join(folder, "link.mp3"));
});
afterAll(() => rm(folder, { recursive: true }));

const expand = async (...inputs: string[]) =>
  (await expandFiles(inputs.map((input) => join(folder, input)))).map((file) => relative(folder, file));

test("a folder gives all audio files below it, sorted, without hidden ones", async () => {
  expect(await expand(".")).toEqual(["[live] {2}.wav", "a.mp3", "b.wav", "disc1/01.FLAC", "disc2/01.flac", "disc2/deep/x.ogg", "link.mp3"]);
});

test("a file is listed whatever its extension, even if it is missing, and once", async () => {
  expect(await expand("notes.txt", "gone.wav", "b.wav", "b.wav")).toEqual(["notes.txt", "gone.wav", "b.wav"]);
});

test.each([
  ["*.mp3", ["a.mp3", "link.mp3"]],
  ["**/*.flac", ["disc2/01.flac"]],
  [
    "**/*",
    ["[live] {2}.wav", "a.mp3", "b.wav", "cover.jpg", "disc1/01.FLAC", "disc2/01.flac", "disc2/deep/x.ogg", "link.mp3", "notes.txt"],
  ],
  ["disc?/01.*", ["disc1/01.FLAC", "disc2/01.flac"]],
  ["disc[2-9]/**", ["disc2/01.flac", "disc2/deep/x.ogg"]],
  ["*.{wav,txt}", ["[live] {2}.wav", "b.wav", "notes.txt"]],
  ["nothing/*.wav", []],
])("the pattern %s", async (pattern, expected) => {
  expect(await expand(pattern)).toEqual(expected);
});

test("an existing file with brackets in its name is a file, not a pattern", async () => {
  expect(await expand("[live] {2}.wav")).toEqual(["[live] {2}.wav"]);
});

test("outputs are named by stems; clashes are resolved by folders, then by extensions", () => {
  const names = (...files: string[]) => nameOutputs(files).map(({ name }) => name);
  expect(names("x/a.wav", "y/b.mp3")).toEqual(["a", "b"]);
  expect(names("x/a.wav", "y/a.wav", "y/b.wav")).toEqual(["x/a", "y/a", "b"]);
  expect(names("x/a.wav", "x/A.mp3")).toEqual(["a.wav", "A.mp3"]);
  expect(names("m/x/a.wav", "m/x/a.mp3", "m/y/a.wav")).toEqual(["x/a.wav", "x/a.mp3", "y/a"]);
});
