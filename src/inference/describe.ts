// Which model a checkpoint holds, and how its input is prepared: by the JSON files beside the weights, or by the configuration inside a
// fairseq file.
import * as z from "zod";
import { NotFoundError } from "../base/errors.ts";
import type { FairseqFile } from "../formats/fairseq.ts";
import type { TensorFile } from "../formats/tensor-file.ts";
import { parseConfig, sampleRate } from "../models/config.ts";
import { type Architecture, architectureFromFairseq, architectureFromHf } from "../models/index.ts";
import type { InputNormalisation } from "./input-normalisation.ts";

/** What is known of a model apart from its weights. */
export interface ModelFacts {
  /** The model's name or place, for messages. */
  readonly name: string;
  /** The parsed config.json and preprocessor_config.json; absent where there is no such file. */
  readonly config?: unknown;
  readonly preprocessor?: unknown;
  /** What the registry of published models says. */
  readonly registryEntry?: { readonly sampleRateHz: number; readonly inputNormalisation?: boolean };
}

export interface ModelDescription {
  readonly architecture: Architecture;
  readonly inputNormalisation: InputNormalisation;
  /** Whether the model's processor gives an attention mask. */
  readonly attentionMask: boolean;
}

/** "auto" is what the model was trained with. */
export type InputNorm = "auto" | "on" | "off";

const preprocessorSchema = z.object({
  sampling_rate: sampleRate.nullish(),
  do_normalize: z.boolean().nullish(),
  return_attention_mask: z.boolean().nullish(),
});

const taskSchema = z.object({ sample_rate: sampleRate.nullish(), normalize: z.boolean().nullish() });

/** Describes a model by its config.json, else by the configuration inside a fairseq checkpoint.
 *  @throws ConfigError naming the first wrong key; NotFoundError where there is no configuration at all. */
export function describeModel(
  { name, config, preprocessor, registryEntry }: ModelFacts,
  file: Pick<TensorFile, "format" | "name">,
  asked: InputNorm = "auto",
): ModelDescription {
  const processor = parseConfig(preprocessorSchema, preprocessor ?? {}, "preprocessor_config.json");
  const attentionMask = processor.return_attention_mask === true;
  const normalisation = (flag: boolean | null | undefined, source: string) =>
    chooseNormalisation(asked, typeof flag === "boolean" ? { on: flag, source } : undefined, registryEntry?.inputNormalisation);
  if (config !== undefined) {
    return {
      architecture: architectureFromHf(config, processor.sampling_rate ?? registryEntry?.sampleRateHz),
      inputNormalisation: normalisation(processor.do_normalize, "preprocessor_config.json"),
      attentionMask,
    };
  }
  if (file.format === "fairseq") {
    const fairseq = file as FairseqFile;
    // Before hydra one namespace held the settings of model and task.
    const task = parseConfig(taskSchema, fairseq.sections.task ?? fairseq.config, "the fairseq checkpoint's task");
    return {
      architecture: architectureFromFairseq(fairseqModelName(fairseq), fairseq.config, task.sample_rate ?? undefined),
      inputNormalisation: normalisation(task.normalize, "the fairseq checkpoint's task"),
      attentionMask,
    };
  }
  throw new NotFoundError(
    `${name} has no config.json, and ${file.name} is no fairseq checkpoint that would bring its own. Put the model's config.json beside it.`,
  );
}

/** The model's name in fairseq's registry: `_name`, or `arch` in files written before hydra. */
export function fairseqModelName({ config }: Pick<FairseqFile, "config">): string {
  return String(config._name ?? config.arch);
}

/** Whether input is normalised: as asked, else as the model's files say, else as the registry does, else as the processor does by default. */
function chooseNormalisation(
  asked: InputNorm,
  stated: InputNormalisation | undefined,
  registered: boolean | undefined,
): InputNormalisation {
  if (asked !== "auto") return { on: asked === "on", source: "asked for" };
  if (stated) return stated;
  if (registered !== undefined) return { on: registered, source: "the registry of published models" };
  return { on: true, source: "the processor's default; no preprocessor_config.json says otherwise" };
}
