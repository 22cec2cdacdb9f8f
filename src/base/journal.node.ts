// Journals: JSON-lines files that only grow, from which a run that was killed resumes. A line counts once it is whole.
import { readFile } from "node:fs/promises";
import { openAppendFile } from "./append-file.node.ts";
import type { Guard } from "./files.node.ts";

export interface Journal<Line> {
  /** The lines of earlier runs. */
  readonly lines: readonly Line[];
  /** Adds a line; once the promise resolves the file has it. @throws as `AppendFile.append` does. */
  append(line: Line): Promise<void>;
  /** Cuts the file back to its first `count` lines. */
  truncate(count: number): Promise<void>;
  /** @throws OutputRemovedError when the file was removed or replaced meanwhile. */
  close(): Promise<void>;
}

/** Opens a journal, or creates it. A last line that was cut short is dropped, and so is everything from the first line that is not JSON.
 *  `guard`: the lock under which it is written. */
export async function openJournal<Line>(path: string, { guard }: { readonly guard?: Guard | undefined } = {}): Promise<Journal<Line>> {
  const file = await openAppendFile(path, { guard });
  const { lines, ends } = parseLines<Line>(await readFile(path));
  await file.truncate(ends.at(-1) ?? 0);
  return {
    lines,
    append: (line) => file.append(`${JSON.stringify(line)}\n`),
    async truncate(count) {
      lines.length = Math.min(lines.length, count);
      await file.truncate(ends[lines.length - 1] ?? 0);
    },
    close: () => file.close(),
  };
}

/** The whole lines of a JSON-lines file, each with the offset of the byte after it. */
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
