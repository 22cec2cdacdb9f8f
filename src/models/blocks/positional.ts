// Where the transformer begins: masked frames replaced, padding silenced, positions added by convolution.
import type { Activation } from "../../ops/ops.ts";
import { type ParamSpecs, type Params, param } from "../../ops/params.ts";
import type { Context } from "../../ops/stage.ts";

export const maskEmbeddingParams = (width: number): ParamSpecs => ({
  masked_spec_embed: { shape: [width], init: { uniform: [0, 1] } },
});

/** x [batch, frames, width] with the frames of `cx.timeMask` replaced by the learned embedding. */
export function maskFrames<T>({ ops, timeMask }: Context<T>, params: Params<T>, x: T): T {
  return timeMask === undefined ? x : ops.where(ops.unsqueeze(timeMask, 2), params.get("masked_spec_embed"), x);
}

/** x with the frames past each row's length set to zero. */
export function zeroPadding<T>({ ops, lengths }: Context<T>, x: T): T {
  if (lengths?.frames === undefined) return x;
  return ops.mul(x, ops.unsqueeze(ops.cast(ops.lengthMask(x, 1, lengths.frames), "float32"), 2));
}

export interface PositionalConfig {
  readonly kernel: number;
  readonly groups: number;
  readonly activation: Activation;
}

/** HuBERT's single wide convolution under weight norm (dim 2: one norm a tap). */
export function positionalParams({ kernel, groups }: PositionalConfig, width: number): ParamSpecs {
  const std = Math.sqrt(4 / (kernel * width));
  return {
    "encoder.pos_conv_embed.conv.weight_v": param.normal(std, width, width / groups, kernel),
    // The norm of a tap's width · width / groups normal numbers, in expectation.
    "encoder.pos_conv_embed.conv.weight_g": { shape: [1, 1, kernel], init: { constant: std * Math.sqrt((width * width) / groups) } },
    "encoder.pos_conv_embed.conv.bias": param.zeros(width),
  };
}

/** The positions to add to x, [batch, frames, width]. An even kernel gives one frame too many: the last goes. */
export function positions<T>({ ops }: Context<T>, params: Params<T>, { kernel, groups, activation }: PositionalConfig, x: T): T {
  const p = params.at("encoder.pos_conv_embed.conv");
  const v = p.get("weight_v");
  const norm = ops.sqrt(ops.sum(ops.sum(ops.mul(v, v), 0), 1)); // [1, 1, k]
  const weight = ops.mul(v, ops.div(p.get("weight_g"), norm));
  const y = ops.conv1d(x, weight, p.get("bias"), { padding: Math.floor(kernel / 2), groups });
  return ops.activate(kernel % 2 === 0 ? ops.slice(y, 1, 0, -1) : y, activation);
}

export interface StackedPositionalConfig extends PositionalConfig {
  readonly depth: number;
}

/** data2vec's stack of narrow convolutions, without weight norm. */
export function stackedPositionalParams({ kernel, groups, depth }: StackedPositionalConfig, width: number): ParamSpecs {
  const bound = 1 / Math.sqrt((width / groups) * kernel);
  return Object.fromEntries(
    Array.from({ length: depth }, (_, i) => [
      [`encoder.pos_conv_embed.layers.${i}.conv.weight`, param.uniform(bound, width, width / groups, kernel)],
      [`encoder.pos_conv_embed.layers.${i}.conv.bias`, param.uniform(bound, width)],
    ]).flat(),
  );
}

/** data2vec's positions: `depth` times convolution, layer norm without weights, activation.
 *  Biases leak into the padding, where the next convolution would see them: the exact batch silences it after each layer, the original doesn't. */
export function stackedPositions<T>(cx: Context<T>, params: Params<T>, config: StackedPositionalConfig, x: T): T {
  const { ops } = cx;
  let y = x;
  for (let i = 0; i < config.depth; i++) {
    const p = params.at(`encoder.pos_conv_embed.layers.${i}.conv`);
    y = ops.conv1d(y, p.get("weight"), p.get("bias"), { padding: Math.floor(config.kernel / 2), groups: config.groups });
    if (config.kernel % 2 === 0) y = ops.slice(y, 1, 0, -1);
    y = ops.activate(ops.layerNorm(y, undefined, undefined, 1e-5), config.activation);
    if (cx.padding !== "original") y = zeroPadding(cx, y);
  }
  return y;
}
