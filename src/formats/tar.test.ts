import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { memorySource } from "../base/byte-source.ts";
import { collectBytes } from "../base/bytes.ts";
import { FormatError } from "../base/errors.ts";
import { seeded } from "../base/random.ts";
import { readTar, type TarEntry, type TarInput, tarBytes, tarChunks } from "./tar.ts";

const folder = mkdtempSync(join(tmpdir(), "ostinato-tar-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const long = `${"folder/".repeat(30)}Übung — a very long name.flac`;
const files: Record<string, Uint8Array> = {
  "000000.flac": Uint8Array.from({ length: 1000 }, (_, i) => i & 255),
  "000000.json": new TextEncoder().encode('{"clip":0}'),
  empty: new Uint8Array(0),
  block: new Uint8Array(512).fill(7),
  [long]: new TextEncoder().encode("long"),
};
const inputs = (from = files): TarInput[] =>
  Object.entries(from).map(([name, data]) => ({ name, bytes: data.length, read: () => Promise.resolve(data) }));
const archive = await collectBytes(tarChunks(inputs()));
async function walk(bytes: Uint8Array, from = 0): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const entry of readTar(memorySource(bytes, "a.tar"), from)) entries.push(entry);
  return entries;
}

test("reads back the files it wrote, each where it says", async () => {
  const entries = await walk(archive);
  expect(entries.map((entry) => entry.name)).toEqual(Object.keys(files));
  for (const { name, dataOffset, bytes, start, end } of entries) {
    expect(archive.subarray(dataOffset, dataOffset + bytes)).toEqual(files[name]);
    expect(end - start).toBe(tarBytes(name, bytes));
  }
  expect((await walk(archive, entries[3]!.start)).map((entry) => entry.name)).toEqual(["block", long]);
});

test("the system's tar unpacks what it wrote, and it reads what the system's tar wrote in each of its formats", async () => {
  const path = join(folder, "ours.tar");
  writeFileSync(path, archive);
  execFileSync("tar", ["-xf", path, "-C", folder]);
  for (const [name, data] of Object.entries(files)) expect(new Uint8Array(readFileSync(join(folder, name)))).toEqual(data);
  for (const format of ["ustar", "pax", "gnu"]) {
    const short = Object.keys(files).filter((name) => name !== long);
    execFileSync("tar", ["-cf", join(folder, "theirs.tar"), `--format=${format}`, "-C", folder, "folder", ...short]);
    const theirs = new Uint8Array(readFileSync(join(folder, "theirs.tar")));
    const read = await walk(theirs);
    const found = Object.fromEntries(read.map(({ name, dataOffset, bytes }) => [name, theirs.slice(dataOffset, dataOffset + bytes)]));
    expect(found).toEqual(files);
  }
});

test("an archive that is cut anywhere is refused as cut short, and never gives a file that is not whole", async () => {
  for (let size = 0; size < archive.length - 512; size += 256) {
    await expect(walk(archive.subarray(0, size)), `cut at ${size}`).rejects.toThrow(/cut short/);
  }
});

test("hostile headers are refused with words: sizes beyond the archive or any number, damaged checksums, huge extended headers", async () => {
  const withField = (at: number, text: string, type = "0") => {
    const bytes = archive.slice();
    bytes.set(new TextEncoder().encode(text), at);
    bytes[156] = type.charCodeAt(0);
    bytes.fill(0x20, 148, 156);
    const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    bytes.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    return bytes;
  };
  await expect(walk(withField(124, "77777777777\0"))).rejects.toThrow("claims 8589934591 bytes, but");
  await expect(walk(withField(124, "-1234567890\0"))).rejects.toThrow("holds no number");
  await expect(walk(withField(124, "\x7f\xff\xff\xff"))).rejects.toThrow(FormatError);
  await expect(walk(withField(124, "00000001750\0", "x"))).rejects.toThrow("is no list of records");
  const big = new Uint8Array(3_000_000);
  big.set(withField(124, "00010000000\0", "x"));
  await expect(walk(big)).rejects.toThrow("claims 2097152 bytes");
  const damaged = archive.slice();
  damaged[3]! ^= 1;
  await expect(walk(damaged)).rejects.toThrow("no header stands at byte 0");
});

test("random damage gives a FormatError or other names, never anything else", async () => {
  const rng = seeded(5);
  for (let trial = 0; trial < 300; trial++) {
    const bytes = archive.slice();
    for (let i = 0; i < 1 + (trial % 5); i++) bytes[Math.floor(rng() * bytes.length)] = Math.floor(rng() * 256);
    await walk(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(FormatError));
  }
});

test("a file that comes with another length than announced is refused", async () => {
  const wrong: TarInput = { name: "a", bytes: 3, read: () => Promise.resolve(new Uint8Array(2)) };
  await expect(collectBytes(tarChunks([wrong]))).rejects.toThrow("announced with 3 bytes, but 2 came");
});

test("a file beyond 8 GiB has its size in an extended header", async () => {
  const bytes = 2 ** 33 + 5;
  const chunks: Uint8Array[] = [];
  const claimed = { length: bytes, subarray: () => new Uint8Array(0) } as unknown as Uint8Array;
  for await (const chunk of tarChunks([{ name: "big", bytes, read: () => Promise.resolve(claimed) }])) {
    chunks.push(chunk);
    break;
  }
  const header = chunks[0]!;
  expect(header.length).toBe(1536);
  const source = { ...memorySource(header, "big.tar"), size: 2 ** 34 };
  const { value } = await readTar(source).next();
  expect(value).toMatchObject({ name: "big", bytes, dataOffset: 1536 });
});
