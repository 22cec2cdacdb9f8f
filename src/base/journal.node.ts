// Journals: JSON lines that only grow, from which a run that was killed goes on. A line counts once it is whole.
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./files.node.ts";

export interface Journal<Line> {
  /** What earlier runs have written. */
  readonly lines: readonly Line[];
  /** Adds a line; once the promise resolves the file has it. */
  append(line: Line): Promise<void>;
  /** Cuts the file back to its first `count` lines. */
  truncate(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens a journal, or begins it. A last line that was cut short is dropped, and so is all from the first line on that is no JSON. */
export async function openJournal<Line>(path: string): Promise<Journal<Line>> {
  await makeFolder(dirname(path));
  const { lines, ends } = parseLines<Line>(await readFile(path).catch(() => Buffer.alloc(0)));
  const file = await open(path, "a");
  await file.truncate(ends.at(-1) ?? 0);
  return {
    lines,
    append: (line) => file.appendFile(`${JSON.stringify(line)}\n`),
    async truncate(count) {
      lines.length = Math.min(lines.length, count);
      await file.truncate(ends[lines.length - 1] ?? 0);
    },
    close: () => file.close(),
  };
}

/** The whole lines of a JSON-lines file, each with the byte behind it. */
export function parseLines<Line>(bytes: Uint8Array): { lines: Line[]; ends: number[] } {
  const lines: Line[] = [];
  const ends: number[] = [];
  const text = new TextDecoder();
  for (let from = 0; ; ) {
    const to = bytes.indexOf(10, from);
    if (to < 0) break;
    try {
      lines.push(JSON.parse(text.decode(bytes.subarray(from, to))) as Line);
    } catch {
      break;
    }
    from = to + 1;
    ends.push(from);
  }
  return { lines, ends };
}
