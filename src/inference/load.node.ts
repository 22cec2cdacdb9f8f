// Loading: from a model's name or folder to an encoder, with the facts that provenance records.
import { realpath } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelDtype } from "../base/dtypes.ts";
import { readJson } from "../base/files.node.ts";
import { sha256File } from "../base/hash.node.ts";
import { openCheckpointFile, openCheckpointFolder } from "../checkpoint/read.node.ts";
import { checkpointWeights } from "../checkpoint/weights.ts";
import type { TensorFile } from "../formats/tensor-file.ts";
import { licenceNotice, requireCommercial } from "../hub/licence.ts";
import type { LocalModel } from "../hub/local.node.ts";
import { type Licence, lookup, type RegistryEntry } from "../hub/registry.ts";
import { resolveModel } from "../hub/resolve.node.ts";
import type { Architecture } from "../models/index.ts";
import { chooseEngine } from "./choose-engine.node.ts";
import { describeModel, type InputNorm, type ModelDescription } from "./describe.ts";
import { onceDisposed } from "./disposal.ts";
import { createEncoder, type Encoder } from "./encoder.ts";
import type { InputNormalisation } from "./input-normalisation.ts";
import { checkLoadArguments, type LoadOptions } from "./load-options.ts";
import { workerEncoder } from "./worker-encoder.node.ts";
import type { WorkerModelData } from "./worker-messages.ts";

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
  /** Its entry in the registry of published models. */
  readonly registryEntry?: RegistryEntry;
  /** SHA-256 of each weight file, computed at the first call. */
  weightsSha256(): Promise<string[]>;
  /** The option `onNotice`. */
  onNotice(message: string): void;
  /** `await using model = await loadModel(…)` disposes the model at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Resolves a model's name or path, opens the checkpoint and creates an encoder.
 *  @throws NotFoundError, HubError, FormatError, ConfigError, or LicenceError with `commercial`, each saying what was found and what to do. */
export async function loadModel(nameOrFolder: string | URL, options: LoadOptions = {}): Promise<LoadedModel> {
  const place = nameOrFolder instanceof URL ? urlText(nameOrFolder) : nameOrFolder;
  checkLoadArguments(place, options);
  const { onNotice = console.warn, commercial = false, warmUp = false } = options;
  if (commercial && lookup(place)) requireCommercial(place, lookup(place)?.licence); // before anything is downloaded
  const local = await resolveModel(place, { ...options, onNotice });
  if (commercial) requireCommercial(local.name, local.licence);
  onNotice(licenceNotice(local.name, local.licence));
  const file = await openModelWeights(local);
  try {
    const { architecture, inputNormalisation, attentionMask } = await describeLocalModel(local, file, options.inputNorm);
    const { engine, version, dtype } = await chooseEngine({ ...options, onNotice });
    const encoderOptions = { normaliseInput: inputNormalisation.on, padding: options.padding ?? "exact", attentionMask } as const;
    const encoder = options.worker
      ? workerEncoder(architecture.model, { local, options: encoderOptions, engine: workerEngine(options) }, onNotice)
      : createEncoder(architecture.model, engine, checkpointWeights(file, architecture.keys), encoderOptions);
    let hashes: Promise<string[]> | undefined;
    const dispose = onceDisposed(local.name, async () => {
      await encoder.dispose();
      await file.close();
    });
    const model: LoadedModel = {
      ...dispose.guard(encoder),
      name: local.name,
      ...(local.revision !== undefined && { revision: local.revision }),
      ...(local.licence && { licence: local.licence }),
      ...(local.registryEntry && { registryEntry: local.registryEntry }),
      architecture,
      engine: engine.name,
      engineVersion: version,
      dtype,
      inputNormalisation,
      weightsSha256: () => (hashes ??= Promise.all(local.files.weights.map(weightsHash))),
      onNotice,
      dispose: dispose.now,
      [Symbol.asyncDispose]: dispose.now,
    };
    if (warmUp !== false) {
      const { sampleRateHz } = architecture.model;
      void model.weightsSha256().catch(() => {}); // provenance needs it: read while the engine opens
      await model.hiddenStates([new Float32Array(sampleRateHz)], warmUp === true ? "all" : warmUp).catch(async (error) => {
        await encoder.dispose();
        throw error;
      });
    }
    return model;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The engine's options that can be copied to a thread. */
function workerEngine({ engine, device, dtype, threads }: LoadOptions): WorkerModelData["engine"] {
  return {
    ...(typeof engine === "string" && { engine }),
    ...(device !== undefined && { device }),
    ...(dtype !== undefined && { dtype }),
    ...(threads !== undefined && { threads }),
  };
}

function urlText(url: URL): string {
  return url.protocol === "file:" ? fileURLToPath(url) : url.href;
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

/** SHA-256 of a weights file. In the hub's cache a large file's blob is named by it. */
async function weightsHash(path: string): Promise<string> {
  const blob = basename(await realpath(path));
  return /^[0-9a-f]{64}$/.test(blob) ? blob : sha256File(path);
}
