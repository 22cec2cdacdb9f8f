// The convolutional feature extractor of wav2vec 2.0, HuBERT, data2vec and MERT: seven convolutions from samples to frames.

import { type ParamSpecs, type Params, param } from "../../ops/params.ts";
import type { Context } from "../../ops/stage.ts";
import type { Activation } from "../config.ts";
import { foldGroupNorm } from "./group-norm.ts";

export interface FeatureExtractorConfig {
  readonly channels: readonly number[];
  readonly kernels: readonly number[];
  readonly strides: readonly number[];
  readonly bias: boolean;
  /** "group": group norm over time after convolution 0 alone; "layer": layer norm over channels after each convolution. */
  readonly norm: "group" | "layer";
  readonly activation: Activation;
}

const eps = 1e-5;
const path = "feature_extractor.conv_layers";

export function featureExtractorParams(config: FeatureExtractorConfig): ParamSpecs {
  const specs: Record<string, ParamSpecs[string]> = {};
  config.channels.forEach((channels, i) => {
    const inputs = config.channels[i - 1] ?? 1;
    const kernel = config.kernels[i]!;
    specs[`${path}.${i}.conv.weight`] = param.normal(Math.sqrt(2 / (inputs * kernel)), channels, inputs, kernel); // Kaiming
    if (config.bias) specs[`${path}.${i}.conv.bias`] = param.uniform(1 / Math.sqrt(inputs * kernel), channels);
    if (config.norm === "layer" || i === 0) {
      specs[`${path}.${i}.layer_norm.weight`] = param.ones(channels);
      specs[`${path}.${i}.layer_norm.bias`] = param.zeros(channels);
    }
  });
  return specs;
}

/** waveform [batch, samples] → [batch, frames, channels]. Each layer: convolution, norm, activation. */
export function extractFeatures<T>(cx: Context<T>, params: Params<T>, config: FeatureExtractorConfig, waveform: T): T {
  const { ops } = cx;
  let x = waveform;
  config.channels.forEach((_, i) => {
    const p = params.at(`${path}.${i}`);
    const weight = p.get("conv.weight");
    const stride = config.strides[i]!;
    if (config.norm === "group" && i === 0) {
      const norm = { gain: p.get("layer_norm.weight"), offset: p.get("layer_norm.bias"), eps };
      const folded = foldGroupNorm(cx, waveform, weight, norm, stride);
      x = ops.convPerRow(waveform, folded.weight, folded.shift, stride);
    } else {
      x = ops.conv1d(i === 0 ? ops.unsqueeze(x, 2) : x, weight, config.bias ? p.get("conv.bias") : undefined, { stride });
      if (config.norm === "layer") x = ops.layerNorm(x, p.get("layer_norm.weight"), p.get("layer_norm.bias"), eps);
    }
    x = ops.activate(x, config.activation);
  });
  return x;
}

/** Number of frames for a number of samples; 0 when not even one fits. */
export function frameCount(config: Pick<FeatureExtractorConfig, "kernels" | "strides">, samples: number): number {
  const frames = config.kernels.reduce((length, kernel, i) => Math.floor((length - kernel) / config.strides[i]!) + 1, samples);
  return Math.max(0, frames);
}

/** Number of outputs of convolution 0, over which its group norm averages. */
export function windowsOf(config: Pick<FeatureExtractorConfig, "kernels" | "strides">, samples: number): number {
  return Math.max(0, Math.floor((samples - config.kernels[0]!) / config.strides[0]!) + 1);
}

/** The smallest number of samples that gives a frame: 400 for the published models. */
export function receptiveField({ kernels, strides }: Pick<FeatureExtractorConfig, "kernels" | "strides">): number {
  return kernels.reduceRight((field, kernel, i) => (field - 1) * strides[i]! + kernel, 1);
}

/** Samples from one frame to the next: 320 for the published models. */
export function hopSamples({ strides }: Pick<FeatureExtractorConfig, "strides">): number {
  return strides.reduce((product, stride) => product * stride, 1);
}
