// MERT's and HuBERT's configuration, read from transformers' config.json or from fairseq's.
import * as z from "zod";
import { ConfigError } from "../../base/errors.ts";
import type { FeatureExtractorConfig } from "../blocks/feature-extractor.ts";
import type { PositionalConfig } from "../blocks/positional.ts";
import type { TransformerConfig } from "../blocks/transformer-layer.ts";
import { activation, checkFairseqCan, fairseqConvolutions, fairseqConvolutionText, parseConfig } from "../config.ts";

export interface MertConfig {
  readonly sampleRateHz: number;
  readonly extractor: FeatureExtractorConfig;
  /** Whether the projection begins with a layer norm. */
  readonly projectionNorm: boolean;
  readonly positional: PositionalConfig;
  readonly transformer: TransformerConfig;
  /** Bins of the CQT joined to the convolutions' features; 0 without. */
  readonly cqtBins: number;
  /** Whether the checkpoint has a mask embedding: transformers makes one only for a mask probability above 0. */
  readonly maskable: boolean;
}

const hfSchema = z.object({
  model_type: z.string(),
  sample_rate: z.number().positive().optional(),
  hidden_size: z.number().int().positive().default(768),
  num_hidden_layers: z.number().int().positive().default(12),
  num_attention_heads: z.number().int().positive().default(12),
  intermediate_size: z.number().int().positive().default(3072),
  hidden_act: activation.default("gelu"),
  feat_extract_activation: activation.default("gelu"),
  feat_extract_norm: z.enum(["group", "layer"]).default("group"),
  feat_proj_layer_norm: z.boolean().default(true),
  layer_norm_eps: z.number().positive().default(1e-5),
  conv_dim: z.array(z.number().int().positive()).default([512, 512, 512, 512, 512, 512, 512]),
  conv_kernel: z.array(z.number().int().positive()).default([10, 3, 3, 3, 3, 2, 2]),
  conv_stride: z.array(z.number().int().positive()).default([5, 2, 2, 2, 2, 2, 2]),
  conv_bias: z.boolean().default(false),
  num_conv_pos_embeddings: z.number().int().positive().default(128),
  num_conv_pos_embedding_groups: z.number().int().positive().default(16),
  conv_pos_batch_norm: z.boolean().default(false),
  do_stable_layer_norm: z.boolean().default(false),
  mask_time_prob: z.number().default(0.05),
  mask_feature_prob: z.number().default(0),
  feature_extractor_cqt: z.boolean().default(false),
  feature_extractor_cqt_bins: z.number().int().positive().default(336),
  deepnorm: z.boolean().default(false),
});

/** @param sampleRateHz from preprocessor_config.json, where the config itself gives none. */
export function mertConfigFromHf(json: unknown, sampleRateHz: number | undefined): MertConfig {
  const c = parseConfig(hfSchema, json, "config.json");
  if (c.conv_pos_batch_norm)
    throw new ConfigError("config.json: conv_pos_batch_norm true is not supported; no published model of the family uses it.");
  const rate = c.sample_rate ?? sampleRateHz ?? 16000;
  return checked({
    sampleRateHz: rate,
    extractor: {
      channels: c.conv_dim,
      kernels: c.conv_kernel,
      strides: c.conv_stride,
      bias: c.conv_bias,
      norm: c.feat_extract_norm,
      activation: c.feat_extract_activation,
    },
    projectionNorm: c.feat_proj_layer_norm,
    positional: {
      kernel: c.num_conv_pos_embeddings,
      groups: c.num_conv_pos_embedding_groups,
      activation: c.feat_extract_activation,
    },
    transformer: {
      layers: c.num_hidden_layers,
      width: c.hidden_size,
      heads: c.num_attention_heads,
      feedForward: c.intermediate_size,
      activation: c.hidden_act,
      eps: c.layer_norm_eps,
      norm: c.do_stable_layer_norm ? "pre" : "post",
      residualScale: c.deepnorm ? (2 * c.num_hidden_layers) ** 0.25 : 1,
    },
    cqtBins: c.feature_extractor_cqt ? c.feature_extractor_cqt_bins : 0,
    maskable: c.mask_time_prob > 0 || c.mask_feature_prob > 0,
  });
}

const fairseqSchema = z.object({
  sample_rate: z.number().positive().optional(),
  extractor_mode: z.enum(["default", "layer_norm"]).default("default"),
  encoder_layers: z.number().int().positive().default(12),
  encoder_embed_dim: z.number().int().positive().default(768),
  encoder_ffn_embed_dim: z.number().int().positive().default(3072),
  encoder_attention_heads: z.number().int().positive().default(12),
  activation_fn: activation.default("gelu"),
  layer_norm_first: z.boolean().default(false),
  conv_feature_layers: z.string().default("[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2"),
  conv_bias: z.boolean().default(false),
  conv_pos: z.number().int().positive().default(128),
  conv_pos_groups: z.number().int().positive().default(16),
  pos_conv_depth: z.number().int().default(1),
  feature_extractor_cqt: z.boolean().default(false),
  feature_extractor_cqt_bins: z.number().int().positive().default(84),
  deepnorm: z.boolean().default(false),
});

/** fairseq's HubertConfig or MERTConfig. @param sampleRateHz from the task's configuration. */
export function mertConfigFromFairseq(json: unknown, sampleRateHz: number | undefined): MertConfig {
  const c = parseConfig(fairseqSchema, json, "the fairseq checkpoint's model configuration");
  if (c.pos_conv_depth !== 1)
    throw new ConfigError(
      `pos_conv_depth is ${c.pos_conv_depth}; HuBERT and MERT have one positional convolution. Is this a data2vec checkpoint?`,
    );
  return checked({
    sampleRateHz: c.sample_rate ?? sampleRateHz ?? 16000,
    extractor: {
      ...fairseqConvolutions(c.conv_feature_layers),
      bias: c.conv_bias,
      norm: c.extractor_mode === "default" ? "group" : "layer",
      activation: "gelu",
    },
    projectionNorm: true,
    positional: { kernel: c.conv_pos, groups: c.conv_pos_groups, activation: "gelu" },
    transformer: {
      layers: c.encoder_layers,
      width: c.encoder_embed_dim,
      heads: c.encoder_attention_heads,
      feedForward: c.encoder_ffn_embed_dim,
      activation: c.activation_fn,
      eps: 1e-5,
      norm: c.layer_norm_first ? "pre" : "post",
      residualScale: c.deepnorm ? (2 * c.encoder_layers) ** 0.25 : 1,
    },
    cqtBins: c.feature_extractor_cqt ? c.feature_extractor_cqt_bins : 0,
    maskable: true,
  });
}

/** transformers' config.json for a model of this configuration. */
export function mertConfigToHf(config: MertConfig): Record<string, unknown> {
  const { extractor, transformer, positional } = config;
  return {
    model_type: "mert_model",
    architectures: ["MERTModel"],
    sample_rate: config.sampleRateHz,
    hidden_size: transformer.width,
    num_hidden_layers: transformer.layers,
    num_attention_heads: transformer.heads,
    intermediate_size: transformer.feedForward,
    hidden_act: transformer.activation,
    feat_extract_activation: extractor.activation,
    feat_extract_norm: extractor.norm,
    feat_proj_layer_norm: config.projectionNorm,
    layer_norm_eps: transformer.eps,
    conv_dim: extractor.channels,
    conv_kernel: extractor.kernels,
    conv_stride: extractor.strides,
    conv_bias: extractor.bias,
    num_feat_extract_layers: extractor.channels.length,
    num_conv_pos_embeddings: positional.kernel,
    num_conv_pos_embedding_groups: positional.groups,
    conv_pos_batch_norm: false,
    do_stable_layer_norm: transformer.norm === "pre",
    mask_time_prob: config.maskable ? 0.05 : 0,
    feature_extractor_cqt: config.cqtBins > 0,
    feature_extractor_cqt_bins: config.cqtBins || 336,
    deepnorm: transformer.residualScale !== 1,
    attention_relax: -1,
  };
}

/** fairseq's model configuration (`cfg.model`). @throws ConfigError for what fairseq's model can't be. */
export function mertConfigToFairseq(config: MertConfig): Record<string, unknown> {
  const { extractor, transformer, positional } = config;
  checkFairseqCan({
    feat_proj_layer_norm: [config.projectionNorm, true],
    feat_extract_activation: [extractor.activation, "gelu"],
    layer_norm_eps: [transformer.eps, 1e-5],
  });
  return {
    _name: "mert",
    sample_rate: config.sampleRateHz,
    label_rate: config.sampleRateHz / extractor.strides.reduce((product, stride) => product * stride, 1),
    extractor_mode: extractor.norm === "group" ? "default" : "layer_norm",
    encoder_layers: transformer.layers,
    encoder_embed_dim: transformer.width,
    encoder_ffn_embed_dim: transformer.feedForward,
    encoder_attention_heads: transformer.heads,
    activation_fn: transformer.activation,
    layer_norm_first: transformer.norm === "pre",
    conv_feature_layers: fairseqConvolutionText(extractor),
    conv_bias: extractor.bias,
    conv_pos: positional.kernel,
    conv_pos_groups: positional.groups,
    feature_extractor_cqt: config.cqtBins > 0,
    feature_extractor_cqt_bins: config.cqtBins || 336,
    deepnorm: transformer.residualScale !== 1,
  };
}

function checked(config: MertConfig): MertConfig {
  const { width, heads } = config.transformer;
  if (width % heads !== 0) throw new ConfigError(`hidden_size ${width} is not a multiple of num_attention_heads ${heads}.`);
  const hop = config.extractor.strides.reduce((product, stride) => product * stride, 1);
  if (config.cqtBins > 0 && Math.floor(config.sampleRateHz / 50) !== hop) {
    throw new ConfigError(
      `A CQT input has a frame each ${Math.floor(config.sampleRateHz / 50)} samples at ${config.sampleRateHz} Hz, the convolutions one each ${hop}: the original works at 16 kHz only.`,
    );
  }
  return config;
}
