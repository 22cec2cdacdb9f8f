// The frontend stage: convolutional features, further features joined to them, and the projection to the transformer's width.
import type { Ops } from "../../ops/ops.ts";
import { param } from "../../ops/params.ts";
import type { Stage } from "../../ops/stage.ts";
import { extractFeatures, type FeatureExtractorConfig, featureExtractorParams } from "./feature-extractor.ts";
import { type Layer, layerNorm, linear, paramsOf } from "./layers.ts";
import type { TransformerConfig } from "./transformer-layer.ts";

export interface FrontendConfig {
  readonly extractor: FeatureExtractorConfig;
  readonly transformer: Pick<TransformerConfig, "width" | "eps">;
  /** Whether the projection begins with a layer norm. */
  readonly projectionNorm: boolean;
}

/** Features without weights that are joined to the convolutions' features, [batch, frames, width]; shown as the tap `name`. */
export interface JoinedFeatures {
  readonly name: string;
  readonly width: number;
  compute<T>(ops: Ops<T>, waveform: T): T;
}

/** waveform [batch, samples] → projected frames [batch, frames, width]. Taps conv_features and the joined features. */
export function frontendStage({ extractor, transformer, projectionNorm }: FrontendConfig, joined?: JoinedFeatures): Stage {
  const inputs = extractor.channels.at(-1)! + (joined?.width ?? 0);
  const norm = layerNorm("feature_projection.layer_norm", inputs, transformer.eps);
  const bound = 1 / Math.sqrt(inputs);
  const projection = linear("feature_projection.projection", inputs, transformer.width, {
    weight: param.uniform(bound, transformer.width, inputs),
    bias: param.uniform(bound, transformer.width),
  });
  const layers: readonly Layer[] = projectionNorm ? [norm, projection] : [projection];
  return {
    name: "frontend",
    taps: ["conv_features", ...(joined ? [joined.name] : [])],
    params: { ...featureExtractorParams(extractor), ...paramsOf(...layers) },
    run(cx, params, waveform) {
      const { ops } = cx;
      let features = extractFeatures(cx, params, extractor, waveform); // [b, t, c]
      cx.tap?.("conv_features", features);
      if (joined) {
        const beside = ops.matchLength(joined.compute(ops, waveform), 1, features);
        cx.tap?.(joined.name, beside);
        features = ops.concat([features, beside], 2);
      }
      return layers.reduce((x, layer) => layer.apply(ops, params, x), features);
    },
  };
}
