// The model families, as a literal object, and the architecture that a configuration describes.

import { ConfigError } from "../base/errors.ts";
import { shown } from "../base/shown.ts";
import type { KeyMap } from "./keys.ts";
import { type MertConfig, mertConfigFromFairseq, mertConfigFromHf, mertConfigToFairseq, mertConfigToHf } from "./mert/config.ts";
import { mertKeys } from "./mert/keys.ts";
import { mertModel } from "./mert/model.ts";
import type { Model } from "./model.ts";
import {
  type Music2VecConfig,
  music2vecConfigFromFairseq,
  music2vecConfigFromHf,
  music2vecConfigToFairseq,
  music2vecConfigToHf,
} from "./music2vec/config.ts";
import { music2vecKeys } from "./music2vec/keys.ts";
import { music2vecModel } from "./music2vec/model.ts";

interface Family<Config> {
  /** Values of transformers' `model_type` that belong to this family. */
  readonly modelTypes: readonly string[];
  /** Model names in fairseq's registry (`_name`). */
  readonly fairseqNames: readonly string[];
  fromHf(json: unknown, sampleRateHz: number | undefined): Config;
  fromFairseq(json: unknown, sampleRateHz: number | undefined): Config;
  toHf(config: Config): Record<string, unknown>;
  toFairseq(config: Config): Record<string, unknown>;
  model(config: Config): Model;
  keys(config: Config): KeyMap;
}

export const families = {
  mert: {
    modelTypes: ["mert_model", "hubert"],
    fairseqNames: ["mert", "hubert"],
    fromHf: mertConfigFromHf,
    fromFairseq: mertConfigFromFairseq,
    toHf: mertConfigToHf,
    toFairseq: mertConfigToFairseq,
    model: mertModel,
    keys: (config) => mertKeys(config.extractor.norm),
  } satisfies Family<MertConfig>,
  music2vec: {
    modelTypes: ["data2vec-audio"],
    fairseqNames: ["data2vec_audio"],
    fromHf: music2vecConfigFromHf,
    fromFairseq: music2vecConfigFromFairseq,
    toHf: music2vecConfigToHf,
    toFairseq: music2vecConfigToFairseq,
    model: music2vecModel,
    keys: () => music2vecKeys,
  } satisfies Family<Music2VecConfig>,
} as const;

/** The names of the families. */
export type FamilyName = keyof typeof families;

/** A configured model with the mapping of its weight names and its configuration in both dialects. */
export interface Architecture {
  readonly family: FamilyName;
  readonly model: Model;
  readonly keys: KeyMap;
  /** The model's config.json. */
  readonly hfConfig: Record<string, unknown>;
  /** The model configuration of a fairseq checkpoint. @throws ConfigError for a setting that fairseq's model cannot have. */
  fairseqConfig(): Record<string, unknown>;
}

/** The architecture that transformers' config.json describes. @throws ConfigError for an unknown model type or a wrong setting. */
export function architectureFromHf(json: unknown, sampleRateHz?: number): Architecture {
  const type = (json as { model_type?: unknown } | null)?.model_type;
  return build(
    "model_type",
    type,
    (family) => family.modelTypes,
    (family) => family.fromHf(json, sampleRateHz),
  );
}

/** The architecture that fairseq's model configuration describes; `name` is its `_name`. @throws ConfigError as `architectureFromHf`. */
export function architectureFromFairseq(name: string, json: unknown, sampleRateHz?: number): Architecture {
  return build(
    "model name",
    name,
    (family) => family.fairseqNames,
    (family) => family.fromFairseq(json, sampleRateHz),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: a family's config goes from its own parser to its own builder only
type AnyFamily = Family<any>;

function build(
  what: string,
  value: unknown,
  names: (family: AnyFamily) => readonly string[],
  parse: (family: AnyFamily) => unknown,
): Architecture {
  for (const [name, family] of Object.entries(families) as [FamilyName, AnyFamily][]) {
    if (!names(family).includes(String(value))) continue;
    const config = parse(family);
    return {
      family: name,
      model: family.model(config),
      keys: family.keys(config),
      hfConfig: family.toHf(config),
      fairseqConfig: () => family.toFairseq(config),
    };
  }
  const known = (Object.values(families) as AnyFamily[]).flatMap(names).join(", ");
  throw new ConfigError(`The ${what} ${shown(value)} belongs to no supported model family. Supported: ${known}.`);
}
