// Hostile checkpoints: refused or opened within the budgets, with messages that are short and printable.
import { expect, test } from "vitest";
import { memorySource } from "../../src/base/byte-source.ts";
import { OstinatoError } from "../../src/base/errors.ts";
import { seeded } from "../../src/base/random.ts";
import { openCheckpoint } from "../../src/checkpoint/read.ts";
import { hostileFiles } from "./hostile.ts";

/** What opening the file ends with: the error, or the number of tensors. */
async function opened(bytes: Uint8Array): Promise<unknown> {
  return openCheckpoint(memorySource(bytes, "file")).then(
    ({ tensors }) => tensors.size,
    (error: unknown) => error,
  );
}

test.each(Object.keys(hostileFiles))("%s", async (name) => {
  for (const seed of [1, 2, 3]) {
    const result = await opened(await hostileFiles[name]!(seeded(seed)));
    if (typeof result === "number") expect(result).toBeLessThan(10);
    else {
      expect(result).toBeInstanceOf(OstinatoError);
      const { message } = result as Error;
      expect(message.length).toBeLessThan(600);
      expect(message).toMatch(/^[\P{C}]*$/u); // no control characters, not even a line break
    }
  }
});

test.each([
  ["shared tuples as a persistent id", "a persistent id names [[…], […]], not a storage"],
  ["shared tuples as a storage's key", "a storage has the key [[…], […]]"],
  ["shared tuples as a tensor's offset", "a tensor's offset is [[…], […]]"],
  ["shared tuples as a legacy version", "version [[…], […]] of torch's legacy form"],
  ["shared dicts under a long key", "names of more than 33554432 characters"],
  ["a safetensors key that stands twice", "twice"],
  ["a million empty tensors", "it describes more than 200000 tensors"],
  ["a safetensors header nested deep", "nests more than 8 levels deep"],
])("%s: the message says %j", async (name, message) => {
  expect(((await opened(await hostileFiles[name]!(seeded(3)))) as Error).message).toContain(message);
});
