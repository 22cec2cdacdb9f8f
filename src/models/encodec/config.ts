// EnCodec's configuration: read from transformers' config.json, or inferred from the shapes of the weights, since facebook's files have none.
import * as z from "zod";
import { ConfigError } from "../../base/errors.ts";
import type { TensorInfo } from "../../formats/tensor-file.ts";
import { most, parseConfig, sampleRate, size } from "../config.ts";
import { encodecName } from "./keys.ts";

export interface EncodecConfig {
  readonly sampleRateHz: number;
  /** Channels of the first convolution; each stride doubles them. */
  readonly filters: number;
  /** In the encoder's order: 2, 4, 5, 8. */
  readonly strides: readonly number[];
  readonly residualLayers: number;
  readonly residualKernel: number;
  readonly firstKernel: number;
  readonly lastKernel: number;
  /** The factor by which the hidden layer of a residual block is narrower. */
  readonly compress: number;
  readonly dilationBase: number;
  readonly lstmLayers: number;
  /** Width of the embeddings before quantisation. */
  readonly width: number;
  /** Codebooks in the checkpoint; each bandwidth uses the first few. */
  readonly codebooks: number;
  readonly codebookSize: number;
}

/** Samples of one frame: 320, at 24 kHz 75 frames a second. */
export const encodecHop = ({ strides }: EncodecConfig): number => strides.reduce((product, stride) => product * stride, 1);

const hfSchema = z.object({
  model_type: z.literal("encodec"),
  sampling_rate: sampleRate.default(24_000),
  audio_channels: z.int().default(1),
  normalize: z.boolean().default(false),
  num_filters: size(most.width).default(32),
  upsampling_ratios: z.array(size(most.stride)).min(1).max(16).default([8, 5, 4, 2]),
  num_residual_layers: size(64).default(1),
  residual_kernel_size: size(most.kernel).default(3),
  kernel_size: size(most.kernel).default(7),
  last_kernel_size: size(most.kernel).default(7),
  compress: size(most.width).default(2),
  dilation_growth_rate: size(64).default(2),
  num_lstm_layers: z.int().nonnegative().max(64).default(2),
  hidden_size: size(most.width).default(128),
  codebook_dim: size(most.width).nullish(),
  codebook_size: size(1 << 20).default(1024),
  norm_type: z.string().default("weight_norm"),
  pad_mode: z.string().default("reflect"),
  use_causal_conv: z.boolean().default(true),
  use_conv_shortcut: z.boolean().default(true),
});

/** @param codebooks how many the checkpoint holds: the configuration gives only bandwidths.
 *  @throws ConfigError for the 48 kHz stereo model and other variants. */
export function encodecConfigFromHf(json: unknown, codebooks: number): EncodecConfig {
  const c = parseConfig(hfSchema, json, "config.json");
  const fixed = {
    audio_channels: [c.audio_channels, 1],
    normalize: [c.normalize, false],
    norm_type: [c.norm_type, "weight_norm"],
    pad_mode: [c.pad_mode, "reflect"],
    use_causal_conv: [c.use_causal_conv, true],
    use_conv_shortcut: [c.use_conv_shortcut, true],
    codebook_dim: [c.codebook_dim ?? c.hidden_size, c.hidden_size],
  };
  for (const [key, [found, wanted]] of Object.entries(fixed)) {
    if (found !== wanted)
      throw new ConfigError(`config.json: ${key} is ${found}; only EnCodec's 24 kHz mono model is supported, where it is ${wanted}.`);
  }
  return {
    sampleRateHz: c.sampling_rate,
    filters: c.num_filters,
    strides: c.upsampling_ratios.toReversed(),
    residualLayers: c.num_residual_layers,
    residualKernel: c.residual_kernel_size,
    firstKernel: c.kernel_size,
    lastKernel: c.last_kernel_size,
    compress: c.compress,
    dilationBase: c.dilation_growth_rate,
    lstmLayers: c.num_lstm_layers,
    width: c.hidden_size,
    codebooks,
    codebookSize: c.codebook_size,
  };
}

/** The number of codebooks in a checkpoint. */
export function countCodebooks(tensors: ReadonlyMap<string, TensorInfo>): number {
  return [...tensors.keys()].filter((name) => /^quantizer\.layers\.\d+\.codebook\.embed$/.test(encodecName(name))).length;
}

/** The configuration that the shapes of the weights imply, under facebook's or transformers' names. Sample rate and dilation, which no shape
 *  shows, are the published model's. @throws ConfigError where the tensors are not EnCodec's. */
export function encodecConfigFromWeights(tensors: ReadonlyMap<string, TensorInfo>, sampleRateHz = 24_000): EncodecConfig {
  const shapes = new Map(Array.from(tensors, ([name, { shape }]) => [encodecName(name), shape] as const));
  const need = (name: string): readonly number[] => {
    const shape = shapes.get(name);
    if (!shape) throw new ConfigError(`The checkpoint has no ${name}: it is no EnCodec, or not the 24 kHz one.`);
    return shape;
  };
  const [filters, channels, firstKernel] = need("encoder.layers.0.conv.weight_v") as [number, number, number];
  if (channels !== 1) throw new ConfigError(`This EnCodec takes ${channels} channels; only the 24 kHz mono model is supported.`);
  const strides: number[] = [];
  let [residualLayers, compress] = [0, 1];
  let index = 1;
  for (; !shapes.has(`encoder.layers.${index}.lstm.weight_ih_l0`); index++) {
    if (shapes.has(`encoder.layers.${index}.block.1.conv.weight_v`)) {
      if (strides.length === 0) residualLayers++;
      const [inside, outside] = need(`encoder.layers.${index}.block.1.conv.weight_v`) as [number, number];
      compress = Math.round(outside / inside); // overwritten by wider blocks, where rounding matters least
    } else if (shapes.has(`encoder.layers.${index}.conv.weight_v`)) {
      strides.push(need(`encoder.layers.${index}.conv.weight_v`)[2]! / 2);
    } else if (index > 100) throw new ConfigError("The checkpoint has no LSTM in its encoder: it is no EnCodec.");
  }
  const [, , residualKernel] = need("encoder.layers.1.block.1.conv.weight_v") as [number, number, number];
  const [width, , lastKernel] = need(`encoder.layers.${index + 2}.conv.weight_v`) as [number, number, number];
  return {
    sampleRateHz,
    filters,
    strides,
    residualLayers,
    residualKernel,
    firstKernel,
    lastKernel,
    compress,
    dilationBase: 2,
    lstmLayers: [...shapes.keys()].filter((name) => name.startsWith(`encoder.layers.${index}.lstm.weight_ih_l`)).length,
    width,
    codebooks: countCodebooks(tensors),
    codebookSize: need("quantizer.layers.0.codebook.embed")[0]!,
  };
}
