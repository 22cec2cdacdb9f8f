// Loading EnCodec: facebook's .th, transformers' folder, or any checkpoint with the names of either.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readTextIfThere } from "../base/files.node.ts";
import { parseJson } from "../base/json.ts";
import { openCheckpointPath } from "../checkpoint/read.node.ts";
import { countCodebooks, encodecConfigFromHf, encodecConfigFromWeights } from "../models/encodec/config.ts";
import { encodecWeights } from "../models/encodec/keys.ts";
import type { Engine } from "../ops/program.ts";
import { type Encodec, type EncodecOptions, encodec } from "./encodec.ts";

/** Opens an EnCodec checkpoint (file or folder) and prepares it on the engine. The configuration is that of the folder's config.json; without
 *  one it is inferred from the shapes of the weights.
 *  @throws ConfigError where it is not the 24 kHz EnCodec; FormatError or NotFoundError where it cannot be read. */
export async function loadEncodec(path: string, engine: Engine, options: EncodecOptions = {}): Promise<Encodec> {
  const file = await openCheckpointPath(path);
  try {
    const json = (await stat(path)).isDirectory() ? await readConfig(join(path, "config.json")) : undefined;
    const books = countCodebooks(file.tensors);
    const known = (json as { model_type?: unknown } | undefined)?.model_type !== undefined;
    const config = known ? encodecConfigFromHf(json, books) : encodecConfigFromWeights(file.tensors);
    const codebooks = options.codebooks ?? Math.min(8, books);
    return await encodec(config, engine, encodecWeights(file, codebooks), { ...options, codebooks });
  } finally {
    await file.close();
  }
}

async function readConfig(path: string): Promise<unknown> {
  const text = await readTextIfThere(path);
  return text === undefined ? undefined : parseJson(text, path);
}
