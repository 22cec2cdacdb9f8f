// jsonl store: one file a folder, DIR/embeddings.jsonl, a line an embedding: { name, shape, layers, values (nested as the shape), and the
// provenance }. Lines are appended and synced one by one. A second run reads the names that are there, cuts off a last line that an
// interruption left incomplete, and appends the rest; a line that is written anew counts instead of the earlier one.
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
        await handle.truncate(size); // half a line would spoil the next one
        throw error;
      }
      held.add(name, provenance);
      return path;
    },
    close: () => handle.close(),
  };
}

/** The facts of each line, without its values: those come last, and lines of many megabytes are not to be parsed to skip them. */
async function readHeld(path: string): Promise<HeldNames> {
  const held = heldNames();
  let lineStart = 0;
  let size = 0;
  let line = "";
  const opened = await open(path, "r").catch(() => undefined);
  if (!opened) return held;
  await opened.close();
  for await (const part of createReadStream(path, { encoding: "latin1", highWaterMark: 1 << 20 }) as AsyncIterable<string>) {
    let from = 0;
    for (let end = part.indexOf("\n"); end >= 0; end = part.indexOf("\n", from)) {
      note(held, line + (line.includes(valuesKey) ? "" : part.slice(from, end)));
      line = "";
      from = end + 1;
      lineStart = size + from;
    }
    if (!line.includes(valuesKey)) line += part.slice(from);
    size += part.length;
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
    // A line that is none of ours holds no name to skip.
  }
}

/** Values as nested JSON lists, each with the digits that give its float32 back. */
function nested(values: Float32Array, shape: readonly number[]): string {
  const [count = 1, ...inner] = shape;
  if (inner.length === 0) return `[${Array.from(values, (value) => Number(value.toPrecision(9))).join(",")}]`;
  const size = values.length / count;
  return `[${Array.from({ length: count }, (_, i) => nested(values.subarray(i * size, (i + 1) * size), inner)).join(",")}]`;
}
