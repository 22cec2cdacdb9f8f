// jsonl store: one table, DIR/embeddings.jsonl, with one embedding a line: { name, shape, layers, values (nested by shape), and the
// provenance }. Lines are appended and synced one by one. The next run reads the names, cuts off a last line that an interruption left
// incomplete, and appends the rest. Of two lines with one name the later counts.
import { createReadStream } from "node:fs";
import { open, truncate } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../base/files.node.ts";
import { collect } from "../embedding.ts";
import { type HeldNames, heldNames, type Store } from "./store.ts";

export async function jsonlStore(folder: string): Promise<Store> {
  await makeFolder(folder);
  const path = join(folder, "embeddings.jsonl");
  const held = await readHeld(path);
  const handle = await open(path, "a");
  return {
    find: async (name) => held.find(name),
    async write(name, stream) {
      const { values, shape, layers, provenance } = await collect(stream);
      const { source, settings, ...rest } = provenance;
      const facts = JSON.stringify({ name, source, settings, shape, layers, ...rest });
      const { size } = await handle.stat();
      try {
        await handle.appendFile(`${facts.slice(0, -1)},"values":${nested(values, shape)}}\n`);
        await handle.sync();
      } catch (error) {
        await handle.truncate(size); // half a line would corrupt the next one
        throw error;
      }
      held.add(name, provenance);
      return path;
    },
    close: () => handle.close(),
  };
}

/** Name and provenance of each line. The values come last in a line and are skipped without being parsed: they are many megabytes. */
async function readHeld(path: string): Promise<HeldNames> {
  const held = heldNames();
  let lineStart = 0;
  let size = 0;
  let line = "";
  const opened = await open(path, "r").catch(() => undefined);
  if (!opened) return held;
  await opened.close();
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
  if (lineStart < size) await truncate(path, lineStart);
  return held;
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
