// Loading: from a model's name or folder to an encoder, with the facts that provenance records.
import { readFile, realpath } from "node:fs/promises";
import { basename } from "node:path";
import type { ModelDtype } from "../base/dtypes.ts";
import { ConfigError } from "../base/errors.ts";
import { sha256File } from "../base/hash.node.ts";
import { openCheckpointFile, openCheckpointFolder } from "../checkpoint/read.node.ts";
import { checkpointWeights } from "../checkpoint/weights.ts";
import type { TensorFile } from "../formats/tensor-file.ts";
import type { LocalModel } from "../hub/local.node.ts";
import type { Licence } from "../hub/registry.ts";
import { type ResolveOptions, resolveModel } from "../hub/resolve.node.ts";
import type { Architecture } from "../models/index.ts";
import { chooseEngine, type EngineOptions } from "./choose-engine.node.ts";
import { describeModel, type InputNorm, type ModelDescription } from "./describe.ts";
import { createEncoder, type Encoder, type Padding } from "./encoder.ts";
import type { InputNormalisation } from "./input-normalisation.ts";

/** Options of `loadModel`. */
export interface LoadOptions extends ResolveOptions, Omit<EngineOptions, "onNotice"> {
  /** Whether input is brought to zero mean and unit variance; default "auto", what the model was trained with. */
  inputNorm?: InputNorm;
  /** How clips of different lengths share a batch. */
  padding?: Padding;
}

/** A loaded model, with everything that determines its results. */
export interface LoadedModel extends Encoder {
  /** The hub name, or the path as given. */
  readonly name: string;
  /** The hub's commit. */
  readonly revision?: string;
  readonly licence?: Licence;
  readonly architecture: Architecture;
  /** The engine's name, and the version of the runtime it uses. */
  readonly engine: string;
  readonly engineVersion: string;
  readonly dtype: ModelDtype;
  readonly inputNormalisation: InputNormalisation;
  /** SHA-256 of each weight file, computed at the first call. */
  weightsSha256(): Promise<string[]>;
}

/** Resolves a model's name or path, opens the checkpoint and creates an encoder.
 *  @throws NotFoundError, HubError, FormatError or ConfigError, each saying what was found and what to do. */
export async function loadModel(nameOrFolder: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const local = await resolveModel(nameOrFolder, options);
  const file = await openModelWeights(local);
  try {
    const { architecture, inputNormalisation, attentionMask } = await describeLocalModel(local, file, options.inputNorm);
    const { engine, version, dtype } = chooseEngine(options);
    const encoder = createEncoder(architecture.model, engine, checkpointWeights(file, architecture.keys), {
      normaliseInput: inputNormalisation.on,
      padding: options.padding ?? "exact",
      attentionMask,
    });
    let hashes: Promise<string[]> | undefined;
    return {
      ...encoder,
      name: local.name,
      ...(local.revision !== undefined && { revision: local.revision }),
      ...(local.licence && { licence: local.licence }),
      architecture,
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

/** Opens the weights of a local model. */
export function openModelWeights(local: LocalModel): Promise<TensorFile> {
  return local.files.index ? openCheckpointFolder(local.folder) : openCheckpointFile(local.files.weights[0]!);
}

/** Describes a local model by its files: see `describeModel`. */
export async function describeLocalModel(local: LocalModel, file: TensorFile, asked?: InputNorm): Promise<ModelDescription> {
  const { name, files, registryEntry } = local;
  const facts = {
    name,
    ...(files.config !== undefined && { config: await readJson(files.config) }),
    ...(files.preprocessor !== undefined && { preprocessor: await readJson(files.preprocessor) }),
    ...(registryEntry && { registryEntry }),
  };
  return describeModel(facts, file, asked);
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${path} is not JSON (${(error as Error).message}). Fetch it again.`);
  }
}

/** SHA-256 of a weights file. In the hub's cache a large file's blob is named by it. */
async function weightsHash(path: string): Promise<string> {
  const blob = basename(await realpath(path));
  return /^[0-9a-f]{64}$/.test(blob) ? blob : sha256File(path);
}
