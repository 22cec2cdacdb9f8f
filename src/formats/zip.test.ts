import { strToU8, zipSync } from "fflate";
import { expect, test } from "vitest";
import { type ByteSource, memorySource } from "../base/byte-source.ts";
import { collectBytes } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { hostTensor } from "../base/host-tensor.ts";
import { npyBytes } from "./npy.ts";
import { npzChunks, readNpz } from "./npz.ts";
import { readZip, storedOffset } from "./zip.ts";
import { zipChunks, zipDirectory } from "./zip-write.ts";

const input = (name: string, text: string) => ({ name, bytes: text.length, read: async () => strToU8(text) });
const archive = () => collectBytes(zipChunks([input("a/one", "first"), input("a/two", "second"), input("empty", "")]));

test("CRC-32 is the one of zip, whole or in parts", () => {
  const digits = strToU8("123456789");
  expect(crc32(digits)).toBe(0xcbf43926);
  expect(crc32(digits.subarray(3), crc32(digits.subarray(0, 3)))).toBe(0xcbf43926);
});

test("stored entries are found where they were written, each at a multiple of 64 bytes", async () => {
  const source = memorySource(await archive());
  const entries = await readZip(source);
  expect([...entries.keys()]).toEqual(["a/one", "a/two", "empty"]);
  const two = entries.get("a/two")!;
  const at = await storedOffset(source, two);
  expect(at % 64).toBe(0);
  expect(await source.read(at, two.bytes)).toEqual(strToU8("second"));
  expect(two.crc).toBe(crc32(strToU8("second")));
});

test("an archive of another writer, with a comment at its end, is read", async () => {
  const bytes = zipSync({ "x.txt": strToU8("hello") }, { level: 0 });
  const commented = Uint8Array.from([...bytes, ...strToU8("remark")]);
  commented[bytes.length - 2] = 6;
  const source = memorySource(commented);
  const entry = (await readZip(source)).get("x.txt")!;
  expect(await source.read(await storedOffset(source, entry), entry.bytes)).toEqual(strToU8("hello"));
});

test("entries beyond 4 GiB are found by way of zip64", async () => {
  const far = 6 * 2 ** 30;
  const written = [
    { name: "near", bytes: 5 * 2 ** 30, crc: 1, headerOffset: 64 },
    { name: "far", bytes: 12, crc: 2, headerOffset: far },
  ];
  const directory = zipDirectory(written, far + 100);
  // A file that is all zeros but for its directory.
  const source: ByteSource = {
    name: "large",
    size: far + 100 + directory.length,
    read: async (offset, length) => Uint8Array.from({ length }, (_, i) => directory[offset + i - far - 100] ?? 0),
    close: async () => {},
  };
  const entries = await readZip(source);
  expect(entries.get("near")).toMatchObject({ bytes: 5 * 2 ** 30, compressedBytes: 5 * 2 ** 30, headerOffset: 64 });
  expect(entries.get("far")).toMatchObject({ bytes: 12, headerOffset: far });
});

test("a deflated entry can't be read in part, and the error says how to pack it", async () => {
  const source = memorySource(zipSync({ w: strToU8("a".repeat(1000)) }, { level: 9 }));
  await expect(storedOffset(source, (await readZip(source)).get("w")!)).rejects.toThrow(
    "w in memory is deflated, so parts of it can't be read. Pack",
  );
});

test("an archive that was cut short is refused at any length", async () => {
  const bytes = await archive();
  for (let length = 0; length < bytes.length; length++) {
    await expect(readZip(memorySource(bytes.subarray(0, length)))).rejects.toThrow(/cut short|broken/);
  }
});

test("an entry whose header is elsewhere is refused", async () => {
  const bytes = await archive();
  bytes[0] = 0;
  const source = memorySource(bytes);
  await expect(storedOffset(source, (await readZip(source)).get("a/one")!)).rejects.toThrow("a/one is not where its directory says");
});

test("npz arrays are written and read, stored or deflated", async () => {
  const a = hostTensor(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const b = hostTensor(new Float32Array(1000), [1000]);
  expect(
    await readNpz(
      memorySource(
        await collectBytes(
          npzChunks([
            ["a", a],
            ["b", b],
          ]),
        ),
      ),
    ),
  ).toEqual(
    new Map([
      ["a", a],
      ["b", b],
    ]),
  );
  expect(await readNpz(memorySource(zipSync({ "b.npy": npyBytes(b) }, { level: 9 })))).toEqual(new Map([["b", b]]));
});

test("an npz with a flipped bit is refused", async () => {
  const bytes = await collectBytes(npzChunks([["a", hostTensor(Float32Array.of(1, 2), [2])]]));
  bytes[64 + 128 + 2]! ^= 1;
  await expect(readNpz(memorySource(bytes))).rejects.toThrow("a.npy is corrupt: its checksum is wrong");
});
