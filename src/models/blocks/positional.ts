// What precedes the transformer layers: masked frames replaced, padding set to zero, and convolutions whose output is added as positions.
import type { Ops } from "../../ops/ops.ts";
import { type ParamSpecs, type Params, param } from "../../ops/params.ts";
import type { Context, Stage } from "../../ops/stage.ts";
import type { Activation } from "../config.ts";

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

/** Positions as a function of the frames, with the weights it needs. */
export interface Positional {
  readonly params: ParamSpecs;
  /** frames [batch, frames, width] → what is added to them, of the same shape. */
  readonly positions: Stage["run"];
}

/** HuBERT's single wide convolution under weight norm (dim 2: one norm for each kernel position). */
export function convolutionPositions({ kernel, groups, activation }: PositionalConfig, width: number): Positional {
  const path = "encoder.pos_conv_embed.conv";
  const std = Math.sqrt(4 / (kernel * width));
  return {
    params: {
      [`${path}.weight_v`]: param.normal(std, width, width / groups, kernel),
      // The expected norm of the width · width / groups normal numbers at one kernel position.
      [`${path}.weight_g`]: { shape: [1, 1, kernel], init: { constant: std * Math.sqrt((width * width) / groups) } },
      [`${path}.bias`]: param.zeros(width),
    },
    positions(cx, params, x) {
      const { ops } = cx;
      const weight = ops.weightNorm(params.get(`${path}.weight_v`), params.get(`${path}.weight_g`));
      return ops.activate(sameLength(ops, x, weight, params.get(`${path}.bias`), { kernel, groups }), activation);
    },
  };
}

export interface StackedPositionalConfig extends PositionalConfig {
  readonly depth: number;
}

/** data2vec's stack of narrow convolutions, each followed by a layer norm without weights and the activation. The biases make the padding
 *  nonzero, where the next convolution would see it: the exact batch sets it to zero after each layer, the original does not. */
export function stackedConvolutionPositions(config: StackedPositionalConfig, width: number): Positional {
  const { kernel, groups, depth, activation } = config;
  const bound = 1 / Math.sqrt((width / groups) * kernel);
  const paths = Array.from({ length: depth }, (_, i) => `encoder.pos_conv_embed.layers.${i}.conv`);
  return {
    params: Object.fromEntries(
      paths.flatMap((path) => [
        [`${path}.weight`, param.uniform(bound, width, width / groups, kernel)],
        [`${path}.bias`, param.uniform(bound, width)],
      ]),
    ),
    positions(cx, params, x) {
      const { ops } = cx;
      let y = x;
      for (const path of paths) {
        y = sameLength(ops, y, params.get(`${path}.weight`), params.get(`${path}.bias`), { kernel, groups });
        y = ops.activate(ops.layerNorm(y, undefined, undefined, 1e-5), activation);
        if (cx.padding !== "original") y = zeroPadding(cx, y);
      }
      return y;
    },
  };
}

/** A convolution with as many outputs as inputs: with an even kernel the padding gives one too many, and the last is dropped. */
function sameLength<T>(ops: Ops<T>, x: T, weight: T, bias: T, { kernel, groups }: Pick<PositionalConfig, "kernel" | "groups">): T {
  const y = ops.conv1d(x, weight, bias, { padding: Math.floor(kernel / 2), groups });
  return kernel % 2 === 0 ? ops.slice(y, 1, 0, -1) : y;
}
