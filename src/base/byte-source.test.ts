import { expect, test } from "vitest";
import { chunkedSource, memorySource, sectionSource } from "./byte-source.ts";
import { FormatError } from "./errors.ts";

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 255);

/** A source that lists what was read of it. */
function watched() {
  const source = memorySource(bytes, "a.bin");
  const reads: [number, number][] = [];
  const read = (offset: number, length: number) => {
    reads.push([offset, length]);
    return source.read(offset, length);
  };
  return { source: { ...source, read }, reads };
}

test("a section has its own bounds and name within the whole", async () => {
  const section = sectionSource(memorySource(bytes, "whole"), 100, 50, "part");
  expect(section.size).toBe(50);
  expect(await section.read(10, 40)).toEqual(bytes.subarray(110, 150));
  await expect(section.read(10, 41)).rejects.toThrow("part ends at byte 50");
  expect(() => sectionSource(memorySource(bytes, "whole"), 990, 50, "part")).toThrow(FormatError);
});

test("chunks serve small reads that follow one another from one read, and give the same bytes anywhere", async () => {
  const { source, reads } = watched();
  const chunked = chunkedSource(source, 100);
  for (let at = 0; at < 300; at += 10) expect(await chunked.read(at, 10)).toEqual(bytes.subarray(at, at + 10));
  expect(reads).toEqual([
    [0, 100],
    [100, 100],
    [200, 100],
  ]);
  expect(await chunked.read(250, 400)).toEqual(bytes.subarray(250, 650)); // larger than a chunk: read directly
  expect(await chunked.read(995, 5)).toEqual(bytes.subarray(995));
  expect(reads.slice(3)).toEqual([
    [250, 400],
    [995, 5],
  ]);
  await expect(chunked.read(995, 6)).rejects.toThrow("a.bin ends at byte 1000");
});
