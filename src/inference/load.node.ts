// Loading: from a model's name or folder to an encoder that runs, with everything worth knowing about it.
import { readFile, realpath } from "node:fs/promises";
import { basename } from "node:path";
import type { ModelDtype } from "../base/dtypes.ts";
import { ConfigError, NotFoundError } from "../base/errors.ts";
import { sha256File } from "../base/hash.node.ts";
import { openCheckpointFile, openCheckpointFolder } from "../checkpoint/read.node.ts";
import { checkpointWeights } from "../checkpoint/weights.ts";
import type { FairseqFile } from "../formats/fairseq.ts";
import type { TensorFile } from "../formats/tensor-file.ts";
import type { LocalModel } from "../hub/local.node.ts";
import type { Licence } from "../hub/registry.ts";
import { type ResolveOptions, resolveModel } from "../hub/resolve.node.ts";
import { type Architecture, architectureFromFairseq, architectureFromHf } from "../models/index.ts";
import { chooseEngine, type EngineOptions } from "./choose-engine.node.ts";
import { createEncoder, type Encoder, type Padding } from "./encoder.ts";

/** How a model is fetched, run and fed. */
export interface LoadOptions extends ResolveOptions, Omit<EngineOptions, "onNotice"> {
  /** Whether input is brought to zero mean and unit variance: "auto" is what the model was trained with. */
  inputNorm?: "auto" | "on" | "off";
  /** How clips of different lengths share a batch. */
  padding?: Padding;
}

/** A fact and where it comes from, for provenance. */
export interface InputNormalisation {
  readonly on: boolean;
  readonly source: string;
}

/** A model that is ready to run, and everything that decides its answers. */
export interface LoadedModel extends Encoder {
  /** The hub name, or the path as it was given. */
  readonly name: string;
  /** The hub's commit. */
  readonly revision?: string;
  readonly licence?: Licence;
  readonly architecture: Architecture;
  /** The engine's name and the version of what it stands on. */
  readonly engine: string;
  readonly engineVersion: string;
  readonly dtype: ModelDtype;
  readonly inputNormalisation: InputNormalisation;
  /** SHA-256 of the weight files, one each; read once, when first asked for. */
  weightsSha256(): Promise<string[]>;
}

/** Resolves, opens and readies a model.
 *  @throws NotFoundError, HubError, FormatError or ConfigError, each saying what was found and what to do. */
export async function loadModel(nameOrFolder: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const local = await resolveModel(nameOrFolder, options);
  const file = await openModelWeights(local);
  try {
    const described = await describe(local, file);
    const { engine, version, dtype } = chooseEngine(options);
    const inputNormalisation = chooseNormalisation(options.inputNorm ?? "auto", described.normalise, local);
    const encoder = createEncoder(described.architecture.model, engine, checkpointWeights(file, described.architecture.keys), {
      normaliseInput: inputNormalisation.on,
      padding: options.padding ?? "exact",
      attentionMask: described.attentionMask,
    });
    let hashes: Promise<string[]> | undefined;
    return {
      ...encoder,
      name: local.name,
      ...(local.revision !== undefined && { revision: local.revision }),
      ...(local.licence && { licence: local.licence }),
      architecture: described.architecture,
      engine: engine.name,
      engineVersion: version,
      dtype,
      inputNormalisation,
      weightsSha256: () => (hashes ??= Promise.all(local.files.weights.map(weightsHash))),
      async dispose() {
        await encoder.dispose();
        await file.close();
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Opens the weights a local model's files name. */
export function openModelWeights(local: LocalModel): Promise<TensorFile> {
  return local.files.index ? openCheckpointFolder(local.folder) : openCheckpointFile(local.files.weights[0]!);
}

interface Described {
  readonly architecture: Architecture;
  readonly normalise: { readonly on: boolean; readonly source: string } | undefined;
  readonly attentionMask: boolean;
}

/** What model a checkpoint holds: by the config.json beside it, or by the configuration inside a fairseq file. */
export async function describe(local: LocalModel, file: TensorFile): Promise<Described> {
  const preprocessor = local.files.preprocessor ? await readJson(local.files.preprocessor) : undefined;
  const attentionMask = preprocessor?.return_attention_mask === true;
  if (local.files.config) {
    const rate = preprocessor?.sampling_rate ?? local.registryEntry?.sampleRateHz;
    const architecture = architectureFromHf(await readJson(local.files.config), typeof rate === "number" ? rate : undefined);
    const flag = preprocessor?.do_normalize;
    return {
      architecture,
      normalise: typeof flag === "boolean" ? { on: flag, source: "preprocessor_config.json" } : undefined,
      attentionMask,
    };
  }
  if (file.format === "fairseq") {
    const { config, sections } = file as FairseqFile;
    // Before hydra one namespace held model and task alike.
    const task = (sections.task ?? config) as Record<string, unknown>;
    const { sample_rate: rate, normalize: flag } = task;
    return {
      architecture: architectureFromFairseq(String(config._name ?? config.arch), config, typeof rate === "number" ? rate : undefined),
      normalise: typeof flag === "boolean" ? { on: flag, source: "the fairseq checkpoint's task" } : undefined,
      attentionMask,
    };
  }
  throw new NotFoundError(
    `${local.name} has no config.json, and ${file.name} is no fairseq checkpoint that would bring its own. Put the model's config.json beside it.`,
  );
}

/** Whether input is normalised: as asked, else as the model's files say, else as the registry does, else as the processor does by default. */
export function chooseNormalisation(
  asked: "auto" | "on" | "off",
  found: InputNormalisation | undefined,
  local: LocalModel,
): InputNormalisation {
  if (asked !== "auto") return { on: asked === "on", source: "asked for" };
  if (found) return found;
  const known = local.registryEntry?.inputNormalisation;
  if (known !== undefined) return { on: known, source: "the registry of published models" };
  return { on: true, source: "the processor's default; no preprocessor_config.json says otherwise" };
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8");
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`${path} is not JSON (${(error as Error).message}). Fetch it again.`);
  }
}

/** SHA-256 of a weights file. In the hub's cache a large file's blob is named by it. */
async function weightsHash(path: string): Promise<string> {
  const blob = basename(await realpath(path));
  return /^[0-9a-f]{64}$/.test(blob) ? blob : sha256File(path);
}
