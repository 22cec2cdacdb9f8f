// Options of `loadModel`, checked at the call.
import { modelDtypes } from "../base/dtypes.ts";
import { ConfigError } from "../base/errors.ts";
import { abortSignal, callback, checkOptions, count, flag, oneOf, type Rule, type Rules, text } from "../base/options.ts";
import { shown } from "../base/shown.ts";
import type { ResolveOptions } from "../hub/resolve.node.ts";
import type { EngineOptions } from "./choose-engine.node.ts";
import type { InputNorm } from "./describe.ts";
import type { LayerChoice, Padding } from "./encoder.ts";

/** How a model is fetched, run and fed. */
export interface LoadOptions extends Omit<ResolveOptions, "onNotice">, Omit<EngineOptions, "onNotice"> {
  /** Whether input is brought to zero mean and unit variance; default "auto", what the model was trained with. */
  inputNorm?: InputNorm | undefined;
  /** How clips of different lengths share a batch; default "exact". */
  padding?: Padding | undefined;
  /** Refuses weights whose licence forbids commercial use, or is not stated. Default false. */
  commercial?: boolean | undefined;
  /** Opens the engine, hashes the weights and computes one second of silence while loading, so that the first call is as fast as the
   *  others. Layers say which will be asked for; `true` means all. Default false. */
  warmUp?: boolean | LayerChoice | undefined;
  /** Runs the model in a worker thread, so that computing does not block this one: for servers. Default false. */
  worker?: boolean | undefined;
  /** Told what a user should know: the licence of the weights, a cached copy that is used offline, that libtorch is compiled first.
   *  Default `console.warn`. */
  onNotice?: ((message: string) => void) | undefined;
}

const anyObject: Rule = { accepts: "an object", test: (value) => typeof value === "object" && value !== null };

const engineRule: Rule = {
  accepts: '"auto", "onnx", "torch" or an engine such as onnxEngine({ threads: 2 })',
  test: (value) =>
    ["auto", "onnx", "torch"].includes(value as string) || typeof (value as { prepare?: unknown } | null)?.prepare === "function",
};
const warmUpRule: Rule = {
  accepts: 'true, false, "all", "last" or a list of layers',
  test: (value) => typeof value === "boolean" || value === "all" || value === "last" || Array.isArray(value),
};

const rules: Rules<LoadOptions> = {
  revision: text,
  cacheDir: text,
  endpoint: text,
  token: { accepts: "the text of a token", test: (value) => typeof value === "string" },
  localFilesOnly: flag,
  engine: engineRule,
  device: text,
  dtype: oneOf(...modelDtypes),
  threads: count,
  inputNorm: oneOf("auto", "on", "off"),
  padding: oneOf("exact", "original"),
  commercial: flag,
  warmUp: warmUpRule,
  worker: flag,
  onNotice: callback,
  onProgress: callback,
  signal: abortSignal,
  network: anyObject,
};

/** Names that other libraries have for these options. */
const synonyms = {
  precision: "dtype",
  quantized: "dtype",
  torch_dtype: "dtype",
  cache_dir: "cacheDir",
  local_files_only: "localFilesOnly",
  progress_callback: "onProgress",
  normalize: "inputNorm",
} as const;

/** @throws ConfigError for a name that is no text, an option that does not exist, with the nearest name, and a wrong value. */
export function checkLoadArguments(nameOrFolder: unknown, options: LoadOptions): void {
  if (typeof nameOrFolder !== "string" || nameOrFolder === "") {
    throw new ConfigError(`The model is ${shown(nameOrFolder)}. Give a name such as "MERT-v1-95M", or the path of a folder or checkpoint.`);
  }
  checkOptions(options, rules, "loadModel", synonyms);
  if (options.worker && typeof options.engine === "object") {
    throw new ConfigError('An engine object can\'t be sent to a worker thread. Give engine: "onnx" or "torch" with worker: true.');
  }
}
