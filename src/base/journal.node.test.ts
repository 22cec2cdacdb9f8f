// Journals survive what ends a process.
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openJournal } from "./journal.node.ts";

const folder = await mkdtemp(join(tmpdir(), "ostinato-journal-"));
afterAll(() => rm(folder, { recursive: true }));

test("lines come back, a line that was cut short is dropped, and the next one follows the last whole one", async () => {
  const path = join(folder, "deep/a.jsonl");
  const first = await openJournal<{ n: number }>(path);
  expect(first.lines).toEqual([]);
  await first.append({ n: 1 });
  await first.append({ n: 2 });
  await first.close();
  await appendFile(path, '{"n": 3');
  const second = await openJournal<{ n: number }>(path);
  expect(second.lines).toEqual([{ n: 1 }, { n: 2 }]);
  await second.append({ n: 4 });
  await second.close();
  expect(await readFile(path, "utf8")).toBe('{"n":1}\n{"n":2}\n{"n":4}\n');
});

test("what follows a line that is no JSON isn't believed", async () => {
  const path = join(folder, "b.jsonl");
  await appendFile(path, '{"n":1}\n\0\0\0\n{"n":3}\n');
  const journal = await openJournal<{ n: number }>(path);
  expect(journal.lines).toEqual([{ n: 1 }]);
  await journal.append({ n: 2 });
  await journal.close();
  expect(await readFile(path, "utf8")).toBe('{"n":1}\n{"n":2}\n');
});

test("a journal is cut back to what still holds", async () => {
  const path = join(folder, "c.jsonl");
  await appendFile(path, '{"n":1}\n{"n":2}\n{"n":3}\n');
  const journal = await openJournal<{ n: number }>(path);
  await journal.truncate(1);
  await journal.append({ n: 9 });
  await journal.close();
  expect(await readFile(path, "utf8")).toBe('{"n":1}\n{"n":9}\n');
});
