// jsonl store: one table, DIR/embeddings.jsonl, with one embedding a line: { name, shape, layers, values (nested by shape), and the
// provenance }. Lines are appended and synced one by one. The next run reads the names, cuts off a last line that an interruption left
// incomplete, and appends the rest. Of two lines with one name the later counts.
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { openAppendFile } from "../../base/append-file.node.ts";
import { collect } from "../embedding.ts";
import { type HeldNames, heldNames, type Store, type StoreOptions } from "./store.ts";

export async function jsonlStore(folder: string, { guard }: StoreOptions = {}): Promise<Store> {
  const path = join(folder, "embeddings.jsonl");
  const file = await openAppendFile(path, { guard });
  const { held, wholeBytes } = await readHeld(path);
  await file.truncate(wholeBytes);
  return {
    find: async (name) => held.find(name),
    async write(name, stream) {
      const { values, shape, layers, provenance } = await collect(stream);
      const { source, settings, ...rest } = provenance;
      const facts = JSON.stringify({ name, source, settings, shape, layers, ...rest });
      await file.append(`${facts.slice(0, -1)},"values":${nested(values, shape)}}\n`);
      await file.sync();
      held.add(name, provenance);
      return path;
    },
    close: () => file.close(),
  };
}

/** Name and provenance of each line, and where the last whole line ends. The values come last in a line and are skipped without being
 *  parsed: they are many megabytes. */
async function readHeld(path: string): Promise<{ held: HeldNames; wholeBytes: number }> {
  const held = heldNames();
  let lineStart = 0;
  let size = 0;
  let line = "";
  for await (const chunk of createReadStream(path, { encoding: "latin1", highWaterMark: 1 << 20 }) as AsyncIterable<string>) {
    let from = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", from)) {
      note(held, line + (line.includes(valuesKey) ? "" : chunk.slice(from, end)));
      line = "";
      from = end + 1;
      lineStart = size + from;
    }
    if (!line.includes(valuesKey)) line += chunk.slice(from);
    size += chunk.length;
  }
  return { held, wholeBytes: lineStart };
}

const valuesKey = ',"values":';

function note(held: HeldNames, line: string): void {
  const end = line.indexOf(valuesKey);
  try {
    const facts = JSON.parse(Buffer.from(end < 0 ? line : `${line.slice(0, end)}}`, "latin1").toString("utf8")) as { name: string };
    held.add(facts.name, facts);
  } catch {
    // Another program wrote this line: it names no output.
  }
}

/** Values as nested JSON lists, with nine significant digits, which restore each float32 exactly. */
function nested(values: Float32Array, shape: readonly number[]): string {
  const [count = 1, ...inner] = shape;
  if (inner.length === 0) return `[${Array.from(values, (value) => Number(value.toPrecision(9))).join(",")}]`;
  const size = values.length / count;
  return `[${Array.from({ length: count }, (_, i) => nested(values.subarray(i * size, (i + 1) * size), inner)).join(",")}]`;
}
