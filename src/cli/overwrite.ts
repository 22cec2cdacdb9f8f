// Overwriting: a command that writes files replaces existing ones only when asked to, and its own source never.
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../base/errors.ts";
import type { LocalModel } from "../hub/local.node.ts";

/** Checks the files that a command will write.
 *  @throws ConfigError for a file of the model itself, and for a file that exists, unless `overwrite` is set. */
export async function checkOutputs(outputs: readonly string[], source: LocalModel, overwrite = false): Promise<void> {
  const { config, preprocessor, index, weights } = source.files;
  const read = [config, preprocessor, index, ...weights, join(source.folder, "README.md")].filter((path) => path !== undefined);
  const sources = new Set(await Promise.all(read.map(existing)));
  for (const output of outputs) {
    const place = await existing(output);
    if (place === undefined) continue;
    if (sources.has(place)) throw new ConfigError(`${output} is a file of the model that is read. Give another output.`);
    if (!overwrite) throw new ConfigError(`${output} exists. Give --overwrite to replace it, or another output.`);
  }
}

/** The file behind links; undefined where there is none. */
function existing(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}
