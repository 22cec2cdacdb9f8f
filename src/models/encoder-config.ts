// The settings that MERT, HuBERT and music2vec share.
import * as z from "zod";
import { ConfigError } from "../base/errors.ts";
import type { FeatureExtractorConfig } from "./blocks/feature-extractor.ts";
import type { PositionalConfig } from "./blocks/positional.ts";
import type { TransformerConfig } from "./blocks/transformer-layer.ts";
import { activation, most, parseConfig, type SettingValues, setting, size } from "./config.ts";
import type { Convolutions } from "./convolution-config.ts";

export interface EncoderConfig {
  readonly sampleRateHz: number;
  readonly extractor: FeatureExtractorConfig;
  readonly positional: PositionalConfig;
  readonly transformer: TransformerConfig;
  /** Whether the checkpoint has a mask embedding: transformers creates one only for a mask probability above 0. */
  readonly maskable: boolean;
}

export const encoderSettings = {
  layers: setting("num_hidden_layers", "encoder_layers", size(most.layers).default(12)),
  width: setting("hidden_size", "encoder_embed_dim", size(most.width).default(768)),
  heads: setting("num_attention_heads", "encoder_attention_heads", size(most.width).default(12)),
  feedForward: setting("intermediate_size", "encoder_ffn_embed_dim", size(4 * most.width).default(3072)),
  activation: setting("hidden_act", "activation_fn", activation),
  eps: setting("layer_norm_eps", undefined, z.number().positive().max(1).default(1e-5)),
  convActivation: setting("feat_extract_activation", undefined, activation),
  convBias: setting("conv_bias", "conv_bias", z.boolean().default(false)),
  positionalGroups: setting("num_conv_pos_embedding_groups", "conv_pos_groups", size(most.width).default(16)),
} as const;

type Values = SettingValues<typeof encoderSettings>;

/** Builds the shared settings' share of a configuration. @throws ConfigError where heads or groups do not divide the width. */
export function encoderConfig(
  values: Values,
  convolutions: Convolutions,
  rest: Pick<FeatureExtractorConfig, "norm"> & {
    readonly layerNorm: TransformerConfig["norm"];
    readonly deepnorm: boolean;
    readonly positionalKernel: number;
  },
): Pick<EncoderConfig, "extractor" | "positional" | "transformer"> {
  const { layers, width, heads, feedForward, eps, positionalGroups: groups } = values;
  if (width % heads !== 0) throw new ConfigError(`hidden_size ${width} is not a multiple of num_attention_heads ${heads}.`);
  if (width % groups !== 0) throw new ConfigError(`hidden_size ${width} is not a multiple of num_conv_pos_embedding_groups ${groups}.`);
  return {
    extractor: { ...convolutions, bias: values.convBias, norm: rest.norm, activation: values.convActivation },
    positional: { kernel: rest.positionalKernel, groups, activation: values.convActivation },
    transformer: {
      ...{ layers, width, heads, feedForward, eps },
      activation: values.activation,
      norm: rest.layerNorm,
      residualScale: rest.deepnorm ? (2 * layers) ** 0.25 : 1,
    },
  };
}

/** The shared settings of a configuration: the inverse of `encoderConfig`. */
export function encoderValues({ extractor, positional, transformer }: EncoderConfig): Values {
  const { layers, width, heads, feedForward, eps } = transformer;
  return {
    ...{ layers, width, heads, feedForward, eps },
    activation: transformer.activation,
    convActivation: extractor.activation,
    convBias: extractor.bias,
    positionalGroups: positional.groups,
  };
}

const maskSchema = z.object({ mask_time_prob: z.number().default(0.05), mask_feature_prob: z.number().default(0) });

/** Whether transformers gives the model of this config.json a mask embedding. */
export function maskableFromTransformers(json: unknown): boolean {
  const { mask_time_prob: time, mask_feature_prob: feature } = parseConfig(maskSchema, json, "config.json");
  return time > 0 || feature > 0;
}
