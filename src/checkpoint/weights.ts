// A checkpoint's tensors under the model's weight names, whichever naming the file uses.
import { NotFoundError } from "../base/errors.ts";
import type { TensorFile } from "../formats/tensor-file.ts";
import type { KeyMap } from "../models/keys.ts";
import { canonicalName } from "../models/keys.ts";
import type { WeightReader } from "../ops/program.ts";

/** Maps the model's weight names to the file's names. */
export function weightNames(file: Pick<TensorFile, "format" | "tensors">, keys: KeyMap): Map<string, string> {
  const names = new Map<string, string>();
  for (const nameInFile of file.tensors.keys()) {
    const canonical = canonicalName(nameInFile);
    const ours = file.format === "fairseq" ? keys.fromFairseq(canonical) : canonical;
    if (ours !== undefined) names.set(ours, nameInFile);
  }
  return names;
}

/** Reads a checkpoint by the model's weight names. */
export function checkpointWeights(file: TensorFile, keys: KeyMap): WeightReader {
  const names = weightNames(file, keys);
  return {
    read(name) {
      const nameInFile = names.get(name);
      if (nameInFile !== undefined) return file.read(nameInFile);
      const some = [...names.keys()].slice(0, 3).join(", ");
      return Promise.reject(
        new NotFoundError(
          `${file.name} has no weight ${name}, which its configuration asks for. It holds ${names.size} known weights (${some}, …). Is this config.json the one that came with it?`,
        ),
      );
    },
  };
}
