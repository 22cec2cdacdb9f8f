// music2vec's configuration: data2vec-audio's, read from and written as transformers' config.json or fairseq's model configuration.
import * as z from "zod";
import type { StackedPositionalConfig } from "../blocks/positional.ts";
import { fairseqActivation, most, parseConfig, readSettings, type SettingValues, setting, size, writeSettings } from "../config.ts";
import {
  type Convolutions,
  convolutionsFromFairseq,
  convolutionsFromTransformers,
  convolutionsToFairseq,
  convolutionsToTransformers,
} from "../convolution-config.ts";
import { type EncoderConfig, encoderConfig, encoderSettings, encoderValues, maskableFromTransformers } from "../encoder-config.ts";

export interface Music2VecConfig extends EncoderConfig {
  readonly positional: StackedPositionalConfig;
}

const settings = {
  ...encoderSettings,
  /** transformers uses HuBERT's name of the kernel size for the depth of the stack. */
  depth: setting("num_conv_pos_embeddings", "pos_conv_depth", size(most.convolutions).default(5)),
} as const;

const transformersOnly = z.object({ conv_pos_kernel_size: size(most.kernel).default(19) });

export function music2vecConfigFromHf(json: unknown, sampleRateHz: number | undefined): Music2VecConfig {
  const { conv_pos_kernel_size: kernel } = parseConfig(transformersOnly, json, "config.json");
  const convolutions = convolutionsFromTransformers(json);
  return music2vecConfig(readSettings(settings, json, "transformers"), {
    ...{ sampleRateHz, kernel, convolutions },
    maskable: maskableFromTransformers(json),
  });
}

const fairseqOnly = z.object({
  extractor_mode: z.literal("layer_norm").default("layer_norm"),
  layer_norm_first: z.literal(false).default(false),
  /** Kernel size times depth. */
  conv_pos: size(most.kernel * most.convolutions).default(95),
});

/** fairseq's Data2VecAudioConfig. */
export function music2vecConfigFromFairseq(json: unknown, sampleRateHz: number | undefined): Music2VecConfig {
  const { conv_pos: positions } = parseConfig(fairseqOnly, json, "the fairseq checkpoint's model configuration");
  const values = readSettings(settings, json, "fairseq");
  const kernel = Math.max(3, Math.floor(positions / values.depth));
  return music2vecConfig(values, { sampleRateHz, kernel, convolutions: convolutionsFromFairseq(json), maskable: true });
}

function music2vecConfig(
  values: SettingValues<typeof settings>,
  rest: { sampleRateHz: number | undefined; kernel: number; convolutions: Convolutions; maskable: boolean },
): Music2VecConfig {
  const layout = { norm: "layer", layerNorm: "post", deepnorm: false, positionalKernel: rest.kernel } as const;
  const config = encoderConfig(values, rest.convolutions, layout);
  const positional = { ...config.positional, depth: values.depth };
  return { sampleRateHz: rest.sampleRateHz ?? 16000, ...config, positional, maskable: rest.maskable };
}

/** transformers' config.json for a model of this configuration. */
export function music2vecConfigToHf(config: Music2VecConfig): Record<string, unknown> {
  return {
    model_type: "data2vec-audio",
    architectures: ["Data2VecAudioModel"],
    ...writeSettings(settings, { ...encoderValues(config), depth: config.positional.depth }, "transformers"),
    ...convolutionsToTransformers(config.extractor),
    conv_pos_kernel_size: config.positional.kernel,
    mask_time_prob: config.maskable ? 0.05 : 0,
  };
}

/** fairseq's model configuration (`cfg.model`). @throws ConfigError for a setting that fairseq's model cannot have. */
export function music2vecConfigToFairseq(config: Music2VecConfig): Record<string, unknown> {
  const { extractor, positional } = config;
  return {
    _name: "data2vec_audio",
    extractor_mode: "layer_norm",
    ...writeSettings(settings, { ...encoderValues(config), depth: positional.depth }, "fairseq"),
    activation_fn: fairseqActivation(config.transformer.activation),
    layer_norm_first: false,
    ...convolutionsToFairseq(extractor),
    conv_pos: positional.kernel * positional.depth,
  };
}
