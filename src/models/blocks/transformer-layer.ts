// One transformer layer: self-attention and a feed-forward network, each with a residual connection and a layer norm.

import type { Stage } from "../../ops/stage.ts";
import type { Activation } from "../config.ts";
import { type Layer, layerNorm, linear, paramsOf } from "./layers.ts";

export interface TransformerConfig {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly activation: Activation;
  readonly eps: number;
  /** "post": the norm follows the residual sum (base models); "pre": it precedes attention and feed-forward ("stable", large models). */
  readonly norm: "post" | "pre";
  /** Deepnorm's factor on the residual, (2 · layers)^¼; 1 without it. */
  readonly residualScale: number;
}

/** Layer `index` as a stage: [batch, frames, width] → the same. Taps `layers.<index>.ffn`: the feed-forward output before its residual. */
export function transformerLayer(config: TransformerConfig, index: number): Stage {
  const { width, heads, residualScale, eps } = config;
  const path = `encoder.layers.${index}`;
  const projection = (name: string) => linear(`${path}.attention.${name}`, width, width);
  const [q, k, v, out] = [projection("q_proj"), projection("k_proj"), projection("v_proj"), projection("out_proj")];
  const attentionNorm = layerNorm(`${path}.layer_norm`, width, eps);
  const intermediate = linear(`${path}.feed_forward.intermediate_dense`, width, config.feedForward, { activation: config.activation });
  const output = linear(`${path}.feed_forward.output_dense`, config.feedForward, width);
  const finalNorm = layerNorm(`${path}.final_layer_norm`, width, eps);

  const name = `layers.${index}`;
  const feedForwardTap = `${name}.ffn`;
  return {
    name,
    taps: [feedForwardTap],
    params: paramsOf(q, k, v, out, attentionNorm, intermediate, output, finalNorm),
    run(cx, params, x) {
      const { ops, lengths } = cx;
      type T = typeof x;
      const apply = (layer: Layer, y: T) => layer.apply(ops, params, y);
      const head = (layer: Layer, y: T) => ops.splitHeads(apply(layer, y), heads); // [b, h, t, d]
      const attention = (y: T) => apply(out, ops.mergeHeads(ops.attention(head(q, y), head(k, y), head(v, y), lengths?.frames)));
      const feedForward = (y: T) => {
        const z = apply(output, apply(intermediate, y));
        cx.tap?.(feedForwardTap, z);
        return z;
      };
      const residual = (y: T) => (residualScale === 1 ? y : ops.mul(y, residualScale));
      if (config.norm === "pre") {
        const h = ops.add(residual(x), attention(apply(attentionNorm, x)));
        return ops.add(residual(h), feedForward(apply(finalNorm, h)));
      }
      const h = apply(attentionNorm, ops.add(residual(x), attention(x)));
      return apply(finalNorm, ops.add(residual(h), feedForward(h)));
    },
  };
}
