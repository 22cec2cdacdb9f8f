// Checkpoints on disk: a file, a model's folder, or a sharded checkpoint, opened as one tensor file.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FormatError, NotFoundError } from "../base/errors.ts";
import { fileSource, readJson } from "../base/files.node.ts";
import { lookup, type TensorFile, type TensorInfo } from "../formats/tensor-file.ts";
import { openCheckpoint } from "./read.ts";

/** Opens a checkpoint file. @throws as `openCheckpoint` does. */
export async function openCheckpointFile(path: string): Promise<TensorFile> {
  const source = await fileSource(path);
  try {
    return await openCheckpoint(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The files that a model's folder is searched for, in this order: safetensors contain no code and open fastest. */
const preferred = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

/** Opens the checkpoint in a model's folder: `model.safetensors`, whole or sharded, else `pytorch_model.bin` likewise, else the only other
 *  `.safetensors`, `.pt`, `.pth`, `.th` or `.bin` file.
 *  @throws NotFoundError when there is none, or several. */
export async function openCheckpointFolder(folder: string): Promise<TensorFile> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new NotFoundError(`There is no folder ${folder}.`) : error;
  });
  const chosen = preferred.find((name) => files.includes(name));
  if (chosen?.endsWith(".index.json")) return openShards(folder, chosen);
  if (chosen) return openCheckpointFile(join(folder, chosen));
  const others = files.filter((name) => /\.(safetensors|pt|pth|th|bin)$/.test(name));
  if (others.length === 1) return openCheckpointFile(join(folder, others[0]!));
  const contents = others.length
    ? `several checkpoints (${others.join(", ")}): name one`
    : "no checkpoint (model.safetensors, pytorch_model.bin or a single .pt)";
  throw new NotFoundError(`The folder ${folder} holds ${contents}.`);
}

/** Opens the checkpoint at `path`, a file or a folder. @throws as the functions for either. */
export async function openCheckpointPath(path: string): Promise<TensorFile> {
  const isFolder = await stat(path).then(
    (contents) => contents.isDirectory(),
    () => false,
  );
  return isFolder ? openCheckpointFolder(path) : openCheckpointFile(path);
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+$/, "a shard must lie in the same folder")) });

/** Opens a sharded checkpoint, whose index maps tensors to files. */
async function openShards(folder: string, indexName: string): Promise<TensorFile> {
  const path = join(folder, indexName);
  const parsed = indexSchema.safeParse(await readJson(path));
  if (!parsed.success) throw new FormatError(`${path} is not an index of shards: ${z.prettifyError(parsed.error)}`);
  const home = new Map<string, TensorFile>();
  const shards = new Map<string, TensorFile>();
  const tensors = new Map<string, TensorInfo>();
  const close = async () => void (await Promise.all(Array.from(shards.values(), (shard) => shard.close())));
  try {
    for (const [name, file] of Object.entries(parsed.data.weight_map)) {
      const shard = shards.get(file) ?? (await openCheckpointFile(join(folder, file)));
      shards.set(file, shard);
      home.set(name, shard);
      tensors.set(name, lookup(shard.tensors, name, shard.name));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const [first] = shards.values();
  return {
    format: first?.format ?? "safetensors",
    name: path,
    metadata: first?.metadata ?? {},
    tensors,
    read: async (name) => lookup(home, name, path).read(name),
    close,
  };
}
