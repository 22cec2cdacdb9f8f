// music2vec's configuration: data2vec-audio's, read from transformers' config.json or from fairseq's.
import * as z from "zod";
import { ConfigError } from "../../base/errors.ts";
import type { FeatureExtractorConfig } from "../blocks/feature-extractor.ts";
import type { StackedPositionalConfig } from "../blocks/positional.ts";
import type { TransformerConfig } from "../blocks/transformer-layer.ts";
import { activation, checkFairseqCan, fairseqConvolutions, fairseqConvolutionText, parseConfig } from "../config.ts";

export interface Music2VecConfig {
  readonly sampleRateHz: number;
  readonly extractor: FeatureExtractorConfig;
  readonly positional: StackedPositionalConfig;
  readonly transformer: TransformerConfig;
  readonly maskable: boolean;
}

const hfSchema = z.object({
  model_type: z.string(),
  hidden_size: z.number().int().positive().default(768),
  num_hidden_layers: z.number().int().positive().default(12),
  num_attention_heads: z.number().int().positive().default(12),
  intermediate_size: z.number().int().positive().default(3072),
  hidden_act: activation.default("gelu"),
  feat_extract_activation: activation.default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  conv_dim: z.array(z.number().int().positive()).default([512, 512, 512, 512, 512, 512, 512]),
  conv_kernel: z.array(z.number().int().positive()).default([10, 3, 3, 3, 3, 2, 2]),
  conv_stride: z.array(z.number().int().positive()).default([5, 2, 2, 2, 2, 2, 2]),
  conv_bias: z.boolean().default(false),
  /** In data2vec this is the stack's depth. */
  num_conv_pos_embeddings: z.number().int().positive().default(5),
  num_conv_pos_embedding_groups: z.number().int().positive().default(16),
  conv_pos_kernel_size: z.number().int().positive().default(19),
  mask_time_prob: z.number().default(0.05),
  mask_feature_prob: z.number().default(0),
});

export function music2vecConfigFromHf(json: unknown, sampleRateHz: number | undefined): Music2VecConfig {
  const c = parseConfig(hfSchema, json, "config.json");
  return checked({
    sampleRateHz: sampleRateHz ?? 16000,
    extractor: {
      channels: c.conv_dim,
      kernels: c.conv_kernel,
      strides: c.conv_stride,
      bias: c.conv_bias,
      norm: "layer",
      activation: c.feat_extract_activation,
    },
    positional: {
      kernel: c.conv_pos_kernel_size,
      groups: c.num_conv_pos_embedding_groups,
      depth: c.num_conv_pos_embeddings,
      activation: c.feat_extract_activation,
    },
    transformer: {
      layers: c.num_hidden_layers,
      width: c.hidden_size,
      heads: c.num_attention_heads,
      feedForward: c.intermediate_size,
      activation: c.hidden_act,
      eps: c.layer_norm_eps,
      norm: "post",
      residualScale: 1,
    },
    maskable: c.mask_time_prob > 0 || c.mask_feature_prob > 0,
  });
}

const fairseqSchema = z.object({
  extractor_mode: z.literal("layer_norm").default("layer_norm"),
  encoder_layers: z.number().int().positive().default(12),
  encoder_embed_dim: z.number().int().positive().default(768),
  encoder_ffn_embed_dim: z.number().int().positive().default(3072),
  encoder_attention_heads: z.number().int().positive().default(12),
  activation_fn: activation.default("gelu"),
  layer_norm_first: z.literal(false).default(false),
  conv_feature_layers: z.string().default("[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] + [(512,2,2)]"),
  conv_bias: z.boolean().default(false),
  conv_pos: z.number().int().positive().default(95),
  conv_pos_groups: z.number().int().positive().default(16),
  pos_conv_depth: z.number().int().positive().default(5),
});

/** fairseq's Data2VecAudioConfig. */
export function music2vecConfigFromFairseq(json: unknown, sampleRateHz: number | undefined): Music2VecConfig {
  const c = parseConfig(fairseqSchema, json, "the fairseq checkpoint's model configuration");
  return checked({
    sampleRateHz: sampleRateHz ?? 16000,
    extractor: { ...fairseqConvolutions(c.conv_feature_layers), bias: c.conv_bias, norm: "layer", activation: "gelu" },
    positional: {
      kernel: Math.max(3, Math.floor(c.conv_pos / c.pos_conv_depth)),
      groups: c.conv_pos_groups,
      depth: c.pos_conv_depth,
      activation: "gelu",
    },
    transformer: {
      layers: c.encoder_layers,
      width: c.encoder_embed_dim,
      heads: c.encoder_attention_heads,
      feedForward: c.encoder_ffn_embed_dim,
      activation: c.activation_fn,
      eps: 1e-5,
      norm: "post",
      residualScale: 1,
    },
    maskable: true,
  });
}

/** transformers' config.json for a model of this configuration. */
export function music2vecConfigToHf(config: Music2VecConfig): Record<string, unknown> {
  const { extractor, transformer, positional } = config;
  return {
    model_type: "data2vec-audio",
    architectures: ["Data2VecAudioModel"],
    hidden_size: transformer.width,
    num_hidden_layers: transformer.layers,
    num_attention_heads: transformer.heads,
    intermediate_size: transformer.feedForward,
    hidden_act: transformer.activation,
    feat_extract_activation: extractor.activation,
    layer_norm_eps: transformer.eps,
    conv_dim: extractor.channels,
    conv_kernel: extractor.kernels,
    conv_stride: extractor.strides,
    conv_bias: extractor.bias,
    num_feat_extract_layers: extractor.channels.length,
    num_conv_pos_embeddings: positional.depth,
    num_conv_pos_embedding_groups: positional.groups,
    conv_pos_kernel_size: positional.kernel,
    mask_time_prob: config.maskable ? 0.05 : 0,
  };
}

/** fairseq's model configuration (`cfg.model`). @throws ConfigError for what fairseq's model can't be. */
export function music2vecConfigToFairseq(config: Music2VecConfig): Record<string, unknown> {
  const { extractor, transformer, positional } = config;
  checkFairseqCan({ feat_extract_activation: [extractor.activation, "gelu"], layer_norm_eps: [transformer.eps, 1e-5] });
  return {
    _name: "data2vec_audio",
    extractor_mode: "layer_norm",
    encoder_layers: transformer.layers,
    encoder_embed_dim: transformer.width,
    encoder_ffn_embed_dim: transformer.feedForward,
    encoder_attention_heads: transformer.heads,
    activation_fn: transformer.activation,
    layer_norm_first: false,
    conv_feature_layers: fairseqConvolutionText(extractor),
    conv_bias: extractor.bias,
    conv_pos: positional.kernel * positional.depth,
    conv_pos_groups: positional.groups,
    pos_conv_depth: positional.depth,
  };
}

function checked(config: Music2VecConfig): Music2VecConfig {
  const { width, heads } = config.transformer;
  if (width % heads !== 0) throw new ConfigError(`hidden_size ${width} is not a multiple of num_attention_heads ${heads}.`);
  return config;
}
