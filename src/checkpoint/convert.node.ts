// Conversion of a checkpoint between Hugging Face's folder and fairseq's file. Tensors are copied one by one, bit for bit.
import { join } from "node:path";
import { ConfigError, NotFoundError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.node.ts";
import { safetensorsChunks } from "../formats/safetensors.ts";
import type { LazyTensor, TensorFile } from "../formats/tensor-file.ts";
import { torchZipChunks } from "../formats/torch/write.ts";
import type { Architecture } from "../models/index.ts";
import { modelParams } from "../models/model.ts";
import { checkShape } from "../ops/params.ts";
import { weightNames } from "./weights.ts";

export type CheckpointForm = "hf" | "fairseq";

/** Facts of the source that are written to the target. */
export interface ConvertOptions {
  /** Whether the model expects input of zero mean and unit variance. */
  readonly normaliseInput: boolean;
  /** Whether the model's processor gives an attention mask. */
  readonly attentionMask?: boolean;
  /** config.json and preprocessor_config.json of the source, where it has them: they are copied unchanged. */
  readonly hfConfig?: Record<string, unknown>;
  readonly hfPreprocessor?: Record<string, unknown>;
  /** The model card, whose licence applies to the copy too. It becomes the folder's README.md. */
  readonly card?: string;
  /** The model's name in fairseq's registry, where the source states it: HuBERT and MERT share one architecture here. */
  readonly fairseqName?: string;
}

/** What a conversion wrote, and which tensors it left out or missed. */
export interface Converted {
  readonly files: readonly string[];
  readonly tensors: number;
  /** Tensors of the source that the model does not use: heads of pre-training and of tasks, data2vec's teacher. */
  readonly leftOut: readonly string[];
  /** Tensors that the target's own loader expects and the source does not have. */
  readonly missing: readonly string[];
}

/** Writes the model in `file` as a Hugging Face folder or as a fairseq checkpoint; `to.path` is the folder or the file.
 *  Values and dtypes are unchanged. Weight norm is written as `weight_g` and `weight_v`, which both sides read.
 *  @throws NotFoundError when the source lacks a weight, ShapeError when one does not fit the configuration, ConfigError when fairseq's
 *  model cannot have this configuration. */
export async function convertCheckpoint(
  file: TensorFile,
  architecture: Architecture,
  to: { readonly form: CheckpointForm; readonly path: string },
  options: ConvertOptions,
): Promise<Converted> {
  const { tensors, leftOut, missing } = modelTensors(file, architecture);
  const facts = { tensors: tensors.length, leftOut, missing };
  if (to.form === "fairseq") return { files: [await writeFairseq(to.path, tensors, architecture, options)], ...facts };
  return { files: await writeHf(to.path, tensors, architecture, options), ...facts };
}

/** The model's tensors under transformers' names. */
function modelTensors(file: TensorFile, { model, keys }: Architecture): { tensors: LazyTensor[]; leftOut: string[]; missing: string[] } {
  const namesInFile = weightNames(file, keys);
  const specs = modelParams(model);
  const missing: string[] = [];
  const tensors: LazyTensor[] = [];
  for (const [name, spec] of Object.entries(specs)) {
    const theirs = namesInFile.get(name);
    if (theirs === undefined) {
      // Only training uses the mask embedding, and transformers creates one where the file has none.
      if (name !== "masked_spec_embed") throw new NotFoundError(`${file.name} has no weight ${name}, which its configuration asks for.`);
      missing.push(name);
      continue;
    }
    const { dtype, shape } = file.tensors.get(theirs)!;
    checkShape(name, shape, spec.shape);
    tensors.push({ name, dtype, shape, read: () => file.read(theirs) });
  }
  const used = new Set(tensors.map(({ name }) => namesInFile.get(name)));
  return { tensors, leftOut: [...file.tensors.keys()].filter((name) => !used.has(name)), missing };
}

/** The preprocessor_config.json of these models. */
export function hfPreprocessor(sampleRateHz: number, normaliseInput: boolean, attentionMask = false): Record<string, unknown> {
  return {
    do_normalize: normaliseInput,
    feature_extractor_type: "Wav2Vec2FeatureExtractor",
    feature_size: 1,
    padding_side: "right",
    padding_value: 0,
    return_attention_mask: attentionMask,
    sampling_rate: sampleRateHz,
  };
}

async function writeHf(folder: string, tensors: readonly LazyTensor[], { model, hfConfig }: Architecture, options: ConvertOptions) {
  const hubert = options.fairseqName === "hubert" && { model_type: "hubert", architectures: ["HubertModel"] };
  const config = options.hfConfig ?? { ...hfConfig, ...hubert };
  const preprocessor = options.hfPreprocessor ?? hfPreprocessor(model.sampleRateHz, options.normaliseInput, options.attentionMask);
  const at = (name: string) => join(folder, name);
  // Weights come last, so that a folder with weights is complete.
  if (options.card !== undefined) await writeAtomic(at("README.md"), options.card);
  await writeAtomic(at("config.json"), `${JSON.stringify(config, null, 2)}\n`);
  await writeAtomic(at("preprocessor_config.json"), `${JSON.stringify(preprocessor, null, 2)}\n`);
  await writeAtomic(at("model.safetensors"), safetensorsChunks(tensors, { format: "pt" }));
  const card = options.card === undefined ? [] : ["README.md"];
  return [...card, "config.json", "preprocessor_config.json", "model.safetensors"].map(at);
}

/** A checkpoint as fairseq's trainer saves it, without the optimiser's state. */
async function writeFairseq(path: string, tensors: readonly LazyTensor[], architecture: Architecture, options: ConvertOptions) {
  const { model, keys } = architecture;
  const config = architecture.fairseqConfig() as Record<string, string | number | boolean>;
  const state = new Map(
    tensors.map((tensor) => {
      const theirs = keys.toFairseq(tensor.name);
      if (theirs === undefined) throw new ConfigError(`fairseq has no name for ${tensor.name}: this model can't be written for it.`);
      return [theirs, tensor] as const;
    }),
  );
  const task = {
    _name: options.fairseqName === "data2vec_audio" || config._name === "data2vec_audio" ? "audio_pretraining" : "hubert_pretraining",
  };
  const tree = {
    args: null,
    cfg: {
      _name: null,
      model: { ...config, ...(options.fairseqName !== undefined && { _name: options.fairseqName }) },
      task: { ...task, sample_rate: model.sampleRateHz, normalize: options.normaliseInput },
    },
    model: state,
    optimizer_history: [],
    extra_state: {},
    last_optimizer_state: null,
  };
  await writeAtomic(path, torchZipChunks(tree));
  return path;
}
