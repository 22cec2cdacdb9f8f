// Local models: a folder or a single checkpoint file on this disk.
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { NotFoundError } from "../base/errors.ts";
import { readTextIfThere } from "../base/files.node.ts";
import { absent, exists } from "./cache.node.ts";
import { chooseFiles, type ModelFiles } from "./choose.ts";
import { licenceFromReadme } from "./licence.ts";
import { type Licence, lookup, type RegistryEntry } from "./registry.ts";

/** A model whose files are on this disk. All paths are absolute. */
export interface LocalModel {
  /** The hub name, or the given folder or file. */
  readonly name: string;
  readonly folder: string;
  readonly files: ModelFiles;
  /** The commit on the hub; absent for local folders and files. */
  readonly revision?: string;
  /** Absent if neither the registry nor a model card states it. It is shown when the model loads. */
  readonly licence?: Licence;
  readonly registryEntry?: RegistryEntry;
}

const checkpointExtensions = [".pt", ".bin", ".safetensors"];

/** The model in a folder (Hugging Face's layout, or one .pt of fairseq), or in a single checkpoint file with the config.json
 *  beside it where there is one. Undefined when `path` does not exist.
 *  @throws NotFoundError when it exists but is not a model. */
export async function localModel(path: string): Promise<LocalModel | undefined> {
  const stats = await stat(path).catch(absent);
  if (!stats) return undefined;
  if (stats.isDirectory()) return describe(path, resolve(path), chooseFiles(await readdir(path), path));
  if (!checkpointExtensions.includes(extname(path))) {
    throw new NotFoundError(
      `${path} is no checkpoint: one ends in ${checkpointExtensions.join(", ")}. Give such a file, or the folder of a model.`,
    );
  }
  const folder = resolve(dirname(path));
  // A fairseq checkpoint contains its configuration; a config.json beside it belongs to another file.
  const beside = async (file: string) => extname(path) !== ".pt" && (await exists(join(folder, file)));
  return describe(path, folder, {
    ...((await beside("config.json")) && { config: "config.json" }),
    ...((await beside("preprocessor_config.json")) && { preprocessor: "preprocessor_config.json" }),
    weights: [basename(path)],
  });
}

/** Whether a name is meant as a path on the disk rather than as a hub name. */
export function looksLikePath(text: string): boolean {
  const parts = text.split("/").length;
  return /^[.~/\\]|^[a-z]:[\\/]|\\/i.test(text) || text.endsWith("/") || parts > 2 || checkpointExtensions.includes(extname(text));
}

/** The facts of the model in `folder`; `registeredAs` is its hub name if that is certain. */
export async function describe(
  name: string,
  folder: string,
  files: ModelFiles,
  more: { registeredAs?: string; revision?: string; licence?: Licence | undefined } = {},
): Promise<LocalModel> {
  const registryEntry = lookup(more.registeredAs ?? hubNameOf(folder));
  const licence = registryEntry?.licence ?? more.licence ?? (await readmeLicence(folder));
  const at = (file: string) => join(folder, file);
  return {
    name,
    folder,
    files: {
      ...(files.config && { config: at(files.config) }),
      ...(files.preprocessor && { preprocessor: at(files.preprocessor) }),
      ...(files.index && { index: at(files.index) }),
      weights: files.weights.map(at),
    },
    ...(more.revision && { revision: more.revision }),
    ...(licence && { licence }),
    ...(registryEntry && { registryEntry }),
  };
}

/** The hub name according to a folder's path: that of a snapshot in the cache, else the folder's own name, as after a manual
 *  download or a git clone. */
function hubNameOf(folder: string): string {
  const snapshot = /models--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(folder);
  return snapshot ? snapshot[1]!.replace("--", "/") : basename(folder);
}

async function readmeLicence(folder: string): Promise<Licence | undefined> {
  const readme = await readTextIfThere(join(folder, "README.md")).catch(() => undefined); // a card of megabytes says nothing
  return readme === undefined ? undefined : licenceFromReadme(readme);
}
