// MERT's and HuBERT's configuration, read from and written as transformers' config.json or fairseq's model configuration.
import * as z from "zod";
import { ConfigError } from "../../base/errors.ts";
import {
  fairseqActivation,
  most,
  parseConfig,
  readSettings,
  type SettingValues,
  sampleRate,
  setting,
  size,
  writeSettings,
} from "../config.ts";
import {
  convolutionsFromFairseq,
  convolutionsFromTransformers,
  convolutionsToFairseq,
  convolutionsToTransformers,
} from "../convolution-config.ts";
import { type EncoderConfig, encoderConfig, encoderSettings, encoderValues, maskableFromTransformers } from "../encoder-config.ts";

export interface MertConfig extends EncoderConfig {
  /** Whether the projection begins with a layer norm. */
  readonly projectionNorm: boolean;
  /** Bins of the CQT joined to the convolutions' features; 0 without. */
  readonly cqtBins: number;
}

const settings = {
  ...encoderSettings,
  sampleRateHz: setting("sample_rate", "sample_rate", sampleRate.optional()),
  projectionNorm: setting("feat_proj_layer_norm", undefined, z.boolean().default(true)),
  positionalKernel: setting("num_conv_pos_embeddings", "conv_pos", size(most.kernel).default(128)),
  preNorm: setting("do_stable_layer_norm", "layer_norm_first", z.boolean().default(false)),
  cqt: setting("feature_extractor_cqt", "feature_extractor_cqt", z.boolean().default(false)),
  cqtBins: setting("feature_extractor_cqt_bins", "feature_extractor_cqt_bins", size(most.width).optional()),
  deepnorm: setting("deepnorm", "deepnorm", z.boolean().default(false)),
} as const;

const transformersOnly = z.object({
  feat_extract_norm: z.enum(["group", "layer"]).default("group"),
  conv_pos_batch_norm: z.boolean().default(false),
});

/** @param sampleRateHz from preprocessor_config.json, where the config itself gives none. */
export function mertConfigFromHf(json: unknown, sampleRateHz: number | undefined): MertConfig {
  const { feat_extract_norm: norm, conv_pos_batch_norm: batchNorm } = parseConfig(transformersOnly, json, "config.json");
  if (batchNorm) throw new ConfigError("config.json: conv_pos_batch_norm true is not supported; no published model of the family uses it.");
  return mertConfig(readSettings(settings, json, "transformers"), {
    ...{ norm, sampleRateHz },
    convolutions: convolutionsFromTransformers(json),
    defaultCqtBins: 336,
    maskable: maskableFromTransformers(json),
  });
}

const fairseqOnly = z.object({
  extractor_mode: z.enum(["default", "layer_norm"]).default("default"),
  pos_conv_depth: z.int().default(1),
});

/** fairseq's HubertConfig or MERTConfig. @param sampleRateHz from the task's configuration. */
export function mertConfigFromFairseq(json: unknown, sampleRateHz: number | undefined): MertConfig {
  const values = readSettings(settings, json, "fairseq");
  const { extractor_mode: mode, pos_conv_depth: depth } = parseConfig(fairseqOnly, json, "the fairseq checkpoint's model configuration");
  if (depth !== 1)
    throw new ConfigError(`pos_conv_depth is ${depth}; HuBERT and MERT have one positional convolution. Is this a data2vec checkpoint?`);
  return mertConfig(values, {
    norm: mode === "default" ? "group" : "layer",
    sampleRateHz,
    convolutions: convolutionsFromFairseq(json),
    defaultCqtBins: 84,
    maskable: true,
  });
}

function mertConfig(
  values: SettingValues<typeof settings>,
  rest: {
    readonly norm: MertConfig["extractor"]["norm"];
    readonly sampleRateHz: number | undefined;
    readonly convolutions: ReturnType<typeof convolutionsFromTransformers>;
    readonly defaultCqtBins: number;
    readonly maskable: boolean;
  },
): MertConfig {
  const rate = values.sampleRateHz ?? rest.sampleRateHz ?? 16000;
  const { preNorm, deepnorm, positionalKernel } = values;
  const hop = rest.convolutions.strides.reduce((product, stride) => product * stride, 1);
  const cqtHop = Math.floor(rate / 50);
  if (values.cqt && cqtHop !== hop) {
    throw new ConfigError(
      `A CQT input has a frame each ${cqtHop} samples at ${rate} Hz, the convolutions one each ${hop}: the original works at 16 kHz only.`,
    );
  }
  return {
    sampleRateHz: rate,
    ...encoderConfig(values, rest.convolutions, { norm: rest.norm, layerNorm: preNorm ? "pre" : "post", deepnorm, positionalKernel }),
    projectionNorm: values.projectionNorm,
    cqtBins: values.cqt ? (values.cqtBins ?? rest.defaultCqtBins) : 0,
    maskable: rest.maskable,
  };
}

const valuesOf = (config: MertConfig): SettingValues<typeof settings> => ({
  ...encoderValues(config),
  sampleRateHz: config.sampleRateHz,
  projectionNorm: config.projectionNorm,
  positionalKernel: config.positional.kernel,
  preNorm: config.transformer.norm === "pre",
  cqt: config.cqtBins > 0,
  cqtBins: config.cqtBins || 336,
  deepnorm: config.transformer.residualScale !== 1,
});

/** transformers' config.json for a model of this configuration. */
export function mertConfigToHf(config: MertConfig): Record<string, unknown> {
  return {
    model_type: "mert_model",
    architectures: ["MERTModel"],
    ...writeSettings(settings, valuesOf(config), "transformers"),
    feat_extract_norm: config.extractor.norm,
    ...convolutionsToTransformers(config.extractor),
    conv_pos_batch_norm: false,
    mask_time_prob: config.maskable ? 0.05 : 0,
    attention_relax: -1,
  };
}

/** fairseq's model configuration (`cfg.model`). @throws ConfigError for a setting that fairseq's model cannot have. */
export function mertConfigToFairseq(config: MertConfig): Record<string, unknown> {
  const { extractor, sampleRateHz } = config;
  return {
    _name: "mert",
    ...writeSettings(settings, valuesOf(config), "fairseq"),
    activation_fn: fairseqActivation(config.transformer.activation),
    label_rate: sampleRateHz / extractor.strides.reduce((product, stride) => product * stride, 1),
    extractor_mode: extractor.norm === "group" ? "default" : "layer_norm",
    ...convolutionsToFairseq(extractor),
  };
}
