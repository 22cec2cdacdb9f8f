// Choice of files: which files of a repository or folder make up a model, decided by their names.
import { NotFoundError } from "../base/errors.ts";
import { printable } from "../base/shown.ts";

/** File names of a model, relative to its folder. */
export interface ModelFiles {
  /** Absent only with a fairseq checkpoint (.pt), which contains its configuration. */
  readonly config?: string;
  readonly preprocessor?: string;
  /** The index that maps tensors to shards, where the weights are sharded. */
  readonly index?: string;
  /** One file, or every shard in order. */
  readonly weights: readonly string[];
}

/** Chooses among file names as transformers does: safetensors, else pytorch_model.bin, whole or in shards; else a single .pt.
 *  `where` names the repository or folder for messages.
 *  @throws NotFoundError when there is no model, when it is incomplete, or when there are several .pt files. */
export function chooseFiles(names: readonly string[], where: string): ModelFiles {
  const has = (name: string): boolean => names.includes(name);
  const weights = findWeights(names, where);
  const fairseq = weights.files[0]?.endsWith(".pt");
  if (!fairseq && !has("config.json"))
    throw new NotFoundError(`${where} has ${weights.files[0]} but no config.json: put its config.json beside it.`);
  return {
    ...(has("config.json") && { config: "config.json" }),
    ...(has("preprocessor_config.json") && { preprocessor: "preprocessor_config.json" }),
    ...(weights.index && { index: weights.index }),
    weights: weights.files,
  };
}

function findWeights(names: readonly string[], where: string): { files: string[]; index?: string } {
  for (const [stem, extension] of [
    ["model", "safetensors"],
    ["pytorch_model", "bin"],
  ] as const) {
    const whole = `${stem}.${extension}`;
    if (names.includes(whole)) return { files: [whole] };
    const index = `${whole}.index.json`;
    if (names.includes(index)) return { files: findShards(names, stem, extension, where), index };
  }
  const pt = names.filter((name) => name.endsWith(".pt") && !name.includes("/"));
  if (pt.length === 1) return { files: pt };
  if (pt.length > 1) throw new NotFoundError(`${where} has several checkpoints (${listed(pt)}): give the path of the one that is meant.`);
  const contents = names.length > 0 ? `only ${listed(names)}` : "nothing";
  throw new NotFoundError(
    `${where} holds no weights this library reads: it looks for model.safetensors, pytorch_model.bin (or their shards) or one .pt, and found ${contents}.`,
  );
}

function listed(names: readonly string[]): string {
  const some = names.slice(0, 8).map((name) => printable(name));
  return `${some.join(", ")}${names.length > 8 ? ", …" : ""}`;
}

/** Shards are named <stem>-00001-of-00003.<extension>: the names give their number. */
function findShards(names: readonly string[], stem: string, extension: string, where: string): string[] {
  const pattern = new RegExp(`^${stem}-(\\d{5})-of-(\\d{5})\\.${extension}$`);
  const shards = names.filter((name) => pattern.test(name)).sort();
  const count = Number(pattern.exec(shards[0] ?? "")?.[2] ?? 0);
  if (shards.length === 0 || shards.length !== count) {
    throw new NotFoundError(
      `${where} has ${shards.length} of the ${count || "unknown number of"} shards of ${stem}.${extension}: fetch the others.`,
    );
  }
  return shards;
}
