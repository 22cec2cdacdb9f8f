// The convolution stack in a configuration: three lists in transformers, one Python expression in fairseq.
import * as z from "zod";
import { ConfigError } from "../base/errors.ts";
import { most, parseConfig, size } from "./config.ts";

/** Output channels, kernel sizes and strides of a stack of convolutions, first to last. */
export interface Convolutions {
  readonly channels: readonly number[];
  readonly kernels: readonly number[];
  readonly strides: readonly number[];
}

const list = (largest: number, ...values: number[]) => z.array(size(largest)).min(1).max(most.convolutions).default(values);

const transformersSchema = z.object({
  conv_dim: list(most.width, 512, 512, 512, 512, 512, 512, 512),
  conv_kernel: list(most.kernel, 10, 3, 3, 3, 3, 2, 2),
  conv_stride: list(most.stride, 5, 2, 2, 2, 2, 2, 2),
});

export const convolutionsFromTransformers = (json: unknown): Convolutions => checked(json, "config.json");

function checked(json: unknown, where: string): Convolutions {
  const { conv_dim: channels, conv_kernel: kernels, conv_stride: strides } = parseConfig(transformersSchema, json, where);
  if (kernels.length === channels.length && strides.length === channels.length) return { channels, kernels, strides };
  throw new ConfigError(
    `${where}: conv_dim, conv_kernel and conv_stride have ${channels.length}, ${kernels.length} and ${strides.length} entries; each convolution needs one in each.`,
  );
}

export function convolutionsToTransformers({ channels, kernels, strides }: Convolutions): Record<string, unknown> {
  return { conv_dim: channels, conv_kernel: kernels, conv_stride: strides, num_feat_extract_layers: channels.length };
}

const fairseqWhere = "the fairseq checkpoint's model configuration";
const fairseqSchema = z.object({
  conv_feature_layers: z.string().max(4096).default("[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2"),
});

export function convolutionsFromFairseq(json: unknown): Convolutions {
  const { conv_feature_layers: text } = parseConfig(fairseqSchema, json, fairseqWhere);
  return checked(parseExpression(text), `${fairseqWhere}: conv_feature_layers`);
}

export function convolutionsToFairseq(layers: Convolutions): Record<string, unknown> {
  return { conv_feature_layers: expressionOf(layers) };
}

/** fairseq writes convolutions as a Python expression of (channels, kernel, stride) lists: `[(512,10,5)] + [(512,3,2)] * 4`.
 *  It is parsed by its grammar, never evaluated. */
function parseExpression(expression: string): Record<string, number[]> {
  const term = /^\[((?:\(\d+,\d+,\d+\),?)+)\](?:\*(\d+))?(?:\+|$)/;
  const layers: number[][] = [];
  let rest = expression.replace(/\s+/g, "");
  while (rest.length > 0) {
    const match = term.exec(rest);
    const repeat = Number(match?.[2] ?? 1);
    if (!match || layers.length + repeat > most.convolutions) {
      throw new ConfigError(`conv_feature_layers ${JSON.stringify(expression)} is not a list of (channels, kernel, stride).`);
    }
    const tuples = [...match[1]!.matchAll(/\((\d+),(\d+),(\d+)\)/g)].map((tuple) => tuple.slice(1).map(Number));
    for (let i = 0; i < repeat; i++) layers.push(...tuples);
    rest = rest.slice(match[0].length);
  }
  if (layers.length === 0) throw new ConfigError("conv_feature_layers is empty.");
  return { conv_dim: layers.map((l) => l[0]!), conv_kernel: layers.map((l) => l[1]!), conv_stride: layers.map((l) => l[2]!) };
}

/** The same list as fairseq's expression: runs of equal layers are written once. */
function expressionOf({ channels, kernels, strides }: Convolutions): string {
  const tuples = channels.map((width, i) => `[(${width},${kernels[i]},${strides[i]})]`);
  const terms: string[] = [];
  for (let i = 0, run = 1; i < tuples.length; i += run) {
    for (run = 1; tuples[i + run] === tuples[i]; ) run++;
    terms.push(run === 1 ? tuples[i]! : `${tuples[i]} * ${run}`);
  }
  return terms.join(" + ");
}
