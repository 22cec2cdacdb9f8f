// One transformer layer: self-attention and a feed-forward network, each with its residual.
import type { Activation } from "../../ops/ops.ts";
import { type ParamSpecs, type Params, param } from "../../ops/params.ts";
import type { Context, Stage } from "../../ops/stage.ts";

export interface TransformerConfig {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly activation: Activation;
  readonly eps: number;
  /** "post": the norm follows the residual sum (base models); "pre": it comes before each half ("stable", large models). */
  readonly norm: "post" | "pre";
  /** Deepnorm's factor on the residual, (2 · layers)^¼; 1 without it. */
  readonly residualScale: number;
}

/** Layer `index` as a stage: [batch, frames, width] → the same. Taps `layers.<index>.ffn`: the feed-forward output before its residual. */
export function transformerLayer(config: TransformerConfig, index: number): Stage {
  const path = `encoder.layers.${index}`;
  return {
    name: `layers.${index}`,
    params: layerParams(config, path),
    run(cx, params, x) {
      const { ops } = cx;
      const p = params.at(path);
      const norm = (name: string, y: typeof x) => ops.layerNorm(y, p.get(`${name}.weight`), p.get(`${name}.bias`), config.eps);
      const residual = (y: typeof x) => (config.residualScale === 1 ? y : ops.mul(y, config.residualScale));
      const ffn = (y: typeof x) => {
        const out = feedForward(cx, p.at("feed_forward"), config, y);
        cx.tap?.(`layers.${index}.ffn`, out);
        return out;
      };
      if (config.norm === "pre") {
        const h = ops.add(residual(x), selfAttention(cx, p.at("attention"), config, norm("layer_norm", x)));
        return ops.add(residual(h), ffn(norm("final_layer_norm", h)));
      }
      const h = norm("layer_norm", ops.add(residual(x), selfAttention(cx, p.at("attention"), config, x)));
      return norm("final_layer_norm", ops.add(residual(h), ffn(h)));
    },
  };
}

function selfAttention<T>({ ops, lengths }: Context<T>, p: Params<T>, { heads }: TransformerConfig, x: T): T {
  const head = (name: string) => ops.splitHeads(ops.linear(x, p.get(`${name}.weight`), p.get(`${name}.bias`)), heads); // [b, h, t, d]
  const context = ops.attention(head("q_proj"), head("k_proj"), head("v_proj"), lengths?.frames);
  return ops.linear(ops.mergeHeads(context), p.get("out_proj.weight"), p.get("out_proj.bias"));
}

function feedForward<T>({ ops }: Context<T>, p: Params<T>, { activation }: TransformerConfig, x: T): T {
  const inner = ops.linear(x, p.get("intermediate_dense.weight"), p.get("intermediate_dense.bias"), activation);
  return ops.linear(inner, p.get("output_dense.weight"), p.get("output_dense.bias"));
}

function layerParams({ width, feedForward }: TransformerConfig, path: string): ParamSpecs {
  const specs: Record<string, ParamSpecs[string]> = {};
  const linear = (name: string, out: number, inputs: number) => {
    specs[`${path}.${name}.weight`] = param.normal(0.02, out, inputs);
    specs[`${path}.${name}.bias`] = param.zeros(out);
  };
  const norm = (name: string) => {
    specs[`${path}.${name}.weight`] = param.ones(width);
    specs[`${path}.${name}.bias`] = param.zeros(width);
  };
  for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) linear(`attention.${name}`, width, width);
  norm("layer_norm");
  linear("feed_forward.intermediate_dense", feedForward, width);
  linear("feed_forward.output_dense", width, feedForward);
  norm("final_layer_norm");
  return specs;
}
