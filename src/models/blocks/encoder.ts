// The chain of stages that all families share: frontend, embed, layers, and a final norm for pre-norm models.
import type { Stage } from "../../ops/stage.ts";
import type { Model } from "../model.ts";
import { type FeatureExtractorConfig, frameCount, hopSamples, receptiveField, windowsOf } from "./feature-extractor.ts";
import { layerNorm } from "./layers.ts";
import { maskEmbeddingParams, maskFrames, type Positional, zeroPadding } from "./positional.ts";
import { type TransformerConfig, transformerLayer } from "./transformer-layer.ts";

const encoderNorm = ({ width, eps }: TransformerConfig) => layerNorm("encoder.layer_norm", width, eps);

/** What happens between the frontend and the layers: masking, padding set to zero, positions, and the norm of post-norm models. */
export function embedStage(transformer: TransformerConfig, positional: Positional, maskable: boolean): Stage {
  const norm = transformer.norm === "post" ? encoderNorm(transformer) : undefined;
  return {
    name: "embed",
    params: { ...(maskable && maskEmbeddingParams(transformer.width)), ...positional.params, ...norm?.params },
    run(cx, params, x) {
      const { ops } = cx;
      const frames = zeroPadding(cx, maskFrames(cx, params, x));
      const sum = ops.add(frames, positional.positions(cx, params, frames));
      return norm ? norm.apply(ops, params, sum) : sum;
    },
  };
}

/** The norm that ends a pre-norm encoder. */
function finalStage(transformer: TransformerConfig): Stage {
  const norm = encoderNorm(transformer);
  return { name: "final", params: norm.params, run: ({ ops }, params, x) => norm.apply(ops, params, x) };
}

/** Assembles the chain. Hidden states are numbered as in transformers: entry 0 is the embedding, entry i the output of layer i − 1, and the
 *  last entry follows the final norm. */
export function encoderModel(options: {
  readonly family: string;
  readonly sampleRateHz: number;
  readonly extractor: FeatureExtractorConfig;
  readonly transformer: TransformerConfig;
  readonly frontend: Stage;
  readonly embed: Stage;
  readonly contextFrames?: number;
}): Model {
  const { extractor, transformer, contextFrames = 0 } = options;
  const layers = Array.from({ length: transformer.layers }, (_, i) => transformerLayer(transformer, i));
  const final = transformer.norm === "pre" ? [finalStage(transformer)] : [];
  const stages = [options.frontend, options.embed, ...layers, ...final];
  const hiddenStates = ["embed", ...layers.map((layer) => layer.name)];
  if (final.length > 0) hiddenStates[transformer.layers] = "final";
  return {
    family: options.family,
    stages,
    hiddenStates,
    sampleRateHz: options.sampleRateHz,
    layers: transformer.layers,
    width: transformer.width,
    hopSamples: hopSamples(extractor),
    minimumSamples: receptiveField(extractor),
    ...(extractor.norm === "group" && { normWindows: { size: extractor.kernels[0]!, stride: extractor.strides[0]! } }),
    contextFrames,
    frameCount: (samples) => frameCount(extractor, samples),
    windowCount: (samples) => windowsOf(extractor, samples),
  };
}
