// The layers of EnCodec's encoder and their weights, numbered as in transformers.
import { type ParamSpec, type ParamSpecs, param } from "../../ops/params.ts";
import type { EncodecConfig } from "./config.ts";
import { codebooksName } from "./keys.ts";

export type Layer =
  | {
      readonly kind: "conv";
      readonly path: string;
      readonly from: number;
      readonly to: number;
      readonly kernel: number;
      readonly stride: number;
      /** Striding layers before this one. */
      readonly strides: number;
    }
  | { readonly kind: "residual"; readonly path: string; readonly channels: number; readonly dilation: number; readonly strides: number };

export interface Plan {
  readonly convolutions: readonly Layer[];
  readonly lstm: { readonly path: string; readonly channels: number };
  readonly last: Layer & { readonly kind: "conv" };
}

/** The encoder's layers. transformers' numbers count activations as layers. */
export function plan(config: EncodecConfig): Plan {
  const convolutions: Layer[] = [
    { kind: "conv", path: "encoder.layers.0", from: 1, to: config.filters, kernel: config.firstKernel, stride: 1, strides: 0 },
  ];
  let index = 1;
  let channels = config.filters;
  for (const [strides, stride] of config.strides.entries()) {
    for (let i = 0; i < config.residualLayers; i++) {
      convolutions.push({ kind: "residual", path: `encoder.layers.${index++}`, channels, dilation: config.dilationBase ** i, strides });
    }
    convolutions.push({
      kind: "conv",
      path: `encoder.layers.${index + 1}`,
      from: channels,
      to: 2 * channels,
      kernel: 2 * stride,
      stride,
      strides,
    });
    index += 2;
    channels *= 2;
  }
  return {
    convolutions,
    lstm: { path: `encoder.layers.${index}`, channels },
    last: {
      kind: "conv",
      path: `encoder.layers.${index + 2}`,
      from: channels,
      to: config.width,
      kernel: config.lastKernel,
      stride: 1,
      strides: config.strides.length,
    },
  };
}

const bounded = (fan: number, ...shape: number[]): ParamSpec => param.uniform(1 / Math.sqrt(fan), ...shape);
const convParams = (path: string, from: number, to: number, kernel: number): ParamSpecs => ({
  [`${path}.conv.weight`]: bounded(from * kernel, to, from, kernel),
  [`${path}.conv.bias`]: bounded(from * kernel, to),
});

function layerParams(layer: Layer, config: EncodecConfig): ParamSpecs {
  if (layer.kind === "conv") return convParams(layer.path, layer.from, layer.to, layer.kernel);
  const { path, channels } = layer;
  const inside = Math.floor(channels / config.compress);
  return {
    ...convParams(`${path}.block.1`, channels, inside, config.residualKernel),
    ...convParams(`${path}.block.3`, inside, channels, 1),
    ...convParams(`${path}.shortcut`, channels, channels, 1),
  };
}

export function recurrentParams(config: EncodecConfig, codebooks: number): ParamSpecs {
  const { lstm, last } = plan(config);
  const layers = Array.from({ length: config.lstmLayers }, (_, i) => [
    [`${lstm.path}.lstm.weight_ih_l${i}`, bounded(lstm.channels, 4 * lstm.channels, lstm.channels)],
    [`${lstm.path}.lstm.weight_hh_l${i}`, bounded(lstm.channels, 4 * lstm.channels, lstm.channels)],
    [`${lstm.path}.lstm.bias_ih_l${i}`, bounded(lstm.channels, 4 * lstm.channels)],
    [`${lstm.path}.lstm.bias_hh_l${i}`, bounded(lstm.channels, 4 * lstm.channels)],
  ]).flat();
  return {
    ...Object.fromEntries(layers),
    ...layerParams(last, config),
    [codebooksName]: param.normal(1, codebooks, config.codebookSize, config.width),
  };
}

export const allConvolutionParams = (config: EncodecConfig): ParamSpecs =>
  Object.assign({}, ...plan(config).convolutions.map((layer) => layerParams(layer, config)));
