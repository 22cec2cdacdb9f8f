// fairseq's checkpoints: torch files with the weights under "model" and the configuration in the same file.

import { FormatError } from "../base/errors.ts";
import type { HostTensor } from "../base/host-tensor.ts";
import { type Plain, plainValue } from "./pickle/plain.ts";
import { isObject, type PickleDict, type PickleValue } from "./pickle/values.ts";
import { lookup, type TensorFile } from "./tensor-file.ts";
import type { TorchFile } from "./torch/open.ts";

export interface FairseqFile extends TensorFile {
  /** The model's own configuration: `cfg.model`, or all of `args` in checkpoints from before hydra. Names are fairseq's. */
  readonly config: { readonly [key: string]: Plain };
  /** All sections of the configuration: `{ model, task, common, … }`; before hydra only `{ model }`. */
  readonly sections: { readonly [key: string]: Plain };
  /** Whether the file also holds data2vec's teacher, under `_ema.`. */
  readonly hasTeacher: boolean;
  /** The torch file itself, including the optimiser's state, whose tensors are read on demand. */
  readonly torch: TorchFile;
}

const prefix = "model.";

/** Whether a torch file is a fairseq checkpoint: weights under "model", and a configuration. */
export function isFairseq(file: TorchFile): boolean {
  const { values } = file;
  return values instanceof Map && values.get("model") instanceof Map && sectionsOf(values) !== undefined;
}

/** The model of a fairseq checkpoint. Parameters are named as in the module: `encoder.layers.0.fc1.weight`.
 *  @throws FormatError when the file has no weights under "model" or no configuration. */
export function openFairseq(torch: TorchFile): FairseqFile {
  const sections = isFairseq(torch) ? sectionsOf(torch.values as PickleDict) : undefined;
  if (!sections) {
    throw new FormatError(
      `${torch.name} is not a fairseq checkpoint: it should hold "model", and "cfg" or "args". Open it as a plain torch file.`,
    );
  }
  const tensors = new Map(
    [...torch.tensors].flatMap(([name, info]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), info] as const] : [])),
  );
  const read = async (name: string): Promise<HostTensor> => torch.readTensor(lookup(tensors, name, torch.name));
  return {
    format: "fairseq",
    name: torch.name,
    metadata: {},
    tensors,
    read,
    close: () => torch.close(),
    config: isPlainObject(sections.model) ? sections.model : {},
    sections,
    hasTeacher: [...tensors.keys()].some((name) => name.startsWith("_ema.")),
    torch,
  };
}

function sectionsOf(values: PickleDict): { [key: string]: Plain } | undefined {
  const cfg = configured(values.get("cfg"));
  if (cfg) return cfg;
  const args = configured(values.get("args"));
  return args && { model: args };
}

function configured(value: PickleValue | undefined): { [key: string]: Plain } | undefined {
  if (!(value instanceof Map || isObject(value))) return undefined;
  const plain = plainValue(value);
  return isPlainObject(plain) ? plain : undefined;
}

function isPlainObject(value: Plain | undefined): value is { [key: string]: Plain } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
