// Parquet store: a table of vectors in parts, DIR/embeddings-00000.parquet and so on. A row is one vector: name, file, layer (null where
// layers are averaged), frame and its start_seconds (null where frames are averaged), vector (list of float). The key-value metadata of a
// part has the provenance of its names under "ostinato". A Parquet file can't be appended to, so a run writes new parts: one for every 8
// million values or minute, each complete or absent. The next run skips the names in finished parts. Of two rows with one name the one in
// the later part counts.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, type SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { FormatError, messageOf } from "../../base/errors.ts";
import { makeFolder, writeAtomic } from "../../base/files.node.ts";
import { collect, type Embedding } from "../embedding.ts";
import { type HeldNames, heldNames, type Store, type StoreOptions } from "./store.ts";

const valuesPerPart = 2 ** 23;
const metadataKey = "ostinato";

interface Row {
  readonly name: string;
  readonly file: string | null;
  readonly layer: number | null;
  readonly frame: number | null;
  readonly start_seconds: number | null;
  readonly vector: number[];
}

const schema: SchemaElement[] = [
  { name: "root", num_children: 6 },
  { name: "name", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
  { name: "file", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
  { name: "layer", type: "INT32", repetition_type: "OPTIONAL" },
  { name: "frame", type: "INT32", repetition_type: "OPTIONAL" },
  { name: "start_seconds", type: "DOUBLE", repetition_type: "OPTIONAL" },
  { name: "vector", converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
];

export async function parquetStore(folder: string, { partSeconds = 60, guard }: StoreOptions = {}): Promise<Store> {
  await makeFolder(folder);
  const { held, parts } = await readParts(folder);
  let rows: Row[] = [];
  let provenance: Record<string, unknown> = {};
  let values = 0;
  let part = parts;
  let begun = 0;
  const path = () => join(folder, `embeddings-${String(part).padStart(5, "0")}.parquet`);
  const flush = async () => {
    if (rows.length === 0) return;
    const kvMetadata = [{ key: metadataKey, value: JSON.stringify(provenance) }];
    const columnData = (["name", "file", "layer", "frame", "start_seconds", "vector"] as const).map((name) => ({
      name,
      data: rows.map((row) => row[name]),
    }));
    // float32 values hardly compress.
    const bytes = parquetWriteBuffer({ columnData, schema, kvMetadata, codec: "UNCOMPRESSED", statistics: false, createdBy: "ostinato" });
    await writeAtomic(path(), new Uint8Array(bytes), { guard });
    [rows, provenance, values] = [[], {}, 0];
    part++;
  };
  return {
    find: async (name) => held.find(name),
    async write(name, stream) {
      const embedding = await collect(stream);
      const written = path();
      if (rows.length === 0) begun = performance.now();
      rows.push(...rowsOf(name, embedding));
      provenance[name] = embedding.provenance;
      held.add(name, embedding.provenance);
      values += embedding.values.length;
      if (values >= valuesPerPart || performance.now() - begun >= 1000 * partSeconds) await flush();
      return written;
    },
    close: flush,
  };
}

function* rowsOf(name: string, { values, shape, layers, provenance }: Embedding): Generator<Row> {
  const width = shape.at(-1)!;
  const frames = shape.length === 3 ? shape[1] : 0;
  const averaged = shape.length === 1 || shape[0] !== layers.length;
  const file = provenance.source.file ?? null;
  for (let row = 0; row * width < values.length; row++) {
    const frame = frames > 0 ? row % frames : null;
    yield {
      name,
      file,
      layer: averaged ? null : layers[frames > 0 ? Math.floor(row / frames) : row]!,
      frame,
      start_seconds: frame === null ? null : frame / provenance.model.frameRateHz,
      vector: Array.from(values.subarray(row * width, (row + 1) * width)),
    };
  }
}

/** The names in the parts of a folder, from their footers, and the number of the next part.
 *  @throws FormatError for a part that is no valid Parquet file. */
async function readParts(folder: string): Promise<{ held: HeldNames; parts: number }> {
  const names = (await readdir(folder)).filter((name) => /^embeddings-\d+\.parquet$/.test(name)).sort();
  const held = heldNames();
  for (const name of names) {
    for (const [item, provenance] of Object.entries(await partProvenance(join(folder, name)))) held.add(item, provenance);
  }
  return { held, parts: names.length === 0 ? 0 : Number(/\d+/.exec(names.at(-1)!)![0]) + 1 };
}

async function partProvenance(path: string): Promise<Record<string, unknown>> {
  try {
    const { key_value_metadata: pairs = [] } = await parquetMetadataAsync(await asyncBufferFromFile(path));
    return JSON.parse(pairs.find(({ key }) => key === metadataKey)?.value ?? "{}") as Record<string, unknown>;
  } catch (error) {
    throw new FormatError(`${path} is not a complete Parquet file (${messageOf(error)}). Move it away, or give another output folder.`);
  }
}
