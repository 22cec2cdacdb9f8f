// The feature projection: from the convolutions' channels to the transformer's width.
import { type ParamSpecs, type Params, param } from "../../ops/params.ts";
import type { Context } from "../../ops/stage.ts";

export interface ProjectionConfig {
  readonly inputs: number;
  readonly width: number;
  readonly layerNorm: boolean;
  readonly eps: number;
}

export function projectionParams({ inputs, width, layerNorm }: ProjectionConfig): ParamSpecs {
  const bound = 1 / Math.sqrt(inputs);
  return {
    ...(layerNorm && {
      "feature_projection.layer_norm.weight": param.ones(inputs),
      "feature_projection.layer_norm.bias": param.zeros(inputs),
    }),
    "feature_projection.projection.weight": param.uniform(bound, width, inputs),
    "feature_projection.projection.bias": param.uniform(bound, width),
  };
}

/** features [batch, frames, inputs] → [batch, frames, width]. */
export function project<T>({ ops }: Context<T>, params: Params<T>, { layerNorm, eps }: ProjectionConfig, features: T): T {
  const p = params.at("feature_projection");
  const x = layerNorm ? ops.layerNorm(features, p.get("layer_norm.weight"), p.get("layer_norm.bias"), eps) : features;
  return ops.linear(x, p.get("projection.weight"), p.get("projection.bias"));
}
