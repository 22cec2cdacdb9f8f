// The families, as a literal object: a name is a type, nothing registers itself.
import { ConfigError } from "../base/errors.ts";
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
  /** transformers' `model_type`s of this family. */
  readonly modelTypes: readonly string[];
  /** fairseq's model names (`_name`). */
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

/** Names of the families: which code a configuration is built by. */
export type FamilyName = keyof typeof families;

/** A configured model with the names of its weights and its configuration in transformers' words. */
export interface Architecture {
  readonly family: FamilyName;
  readonly model: Model;
  readonly keys: KeyMap;
  /** What a config.json of this model holds. */
  readonly hfConfig: Record<string, unknown>;
  /** Its model configuration in fairseq's words. @throws ConfigError for what fairseq's model can't be. */
  fairseqConfig(): Record<string, unknown>;
}

/** From transformers' config.json. @throws ConfigError for a model type that is of no family here. */
export function architectureFromHf(json: unknown, sampleRateHz?: number): Architecture {
  const type = (json as { model_type?: unknown } | null)?.model_type;
  return build(
    "model_type",
    type,
    (family) => family.modelTypes,
    (family) => family.fromHf(json, sampleRateHz),
  );
}

/** From fairseq's model configuration, whose `_name` is `name`. */
export function architectureFromFairseq(name: string, json: unknown, sampleRateHz?: number): Architecture {
  return build(
    "model name",
    name,
    (family) => family.fairseqNames,
    (family) => family.fromFairseq(json, sampleRateHz),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: each family's own config passes from its parser to its builder and nowhere else
type AnyFamily = Family<any>;

function build(
  what: string,
  found: unknown,
  names: (family: AnyFamily) => readonly string[],
  parse: (family: AnyFamily) => unknown,
): Architecture {
  for (const [name, family] of Object.entries(families) as [FamilyName, AnyFamily][]) {
    if (!names(family).includes(String(found))) continue;
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
  throw new ConfigError(`The ${what} ${JSON.stringify(found)} is of no family here. Known: ${known}.`);
}
