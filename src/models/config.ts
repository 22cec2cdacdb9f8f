// What the families' configurations share: parsing with errors that name the key, and fairseq's way of writing convolutions.
import * as z from "zod";
import { ConfigError } from "../base/errors.ts";

/** Activations by the names checkpoints use for them. */
export const activation = z.enum(["gelu", "relu", "tanh"]);

/** @throws ConfigError naming the first wrong key and what was found there. */
export function parseConfig<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ConfigError(`${where}: ${issue?.path.join(".") || "the file"}: ${issue?.message}.`);
}

/** fairseq writes convolutions as a Python expression of (channels, kernel, stride) lists: `[(512,10,5)] + [(512,3,2)] * 4`.
 *  Read as a grammar, never evaluated. */
export function fairseqConvolutions(expression: string): { channels: number[]; kernels: number[]; strides: number[] } {
  const text = expression.replace(/\s+/g, "");
  const term = /^\[((?:\(\d+,\d+,\d+\),?)+)\](?:\*(\d+))?(?:\+|$)/;
  const layers: number[][] = [];
  let rest = text;
  while (rest.length > 0) {
    const match = term.exec(rest);
    const repeat = Number(match?.[2] ?? 1);
    if (!match || repeat > 64) throw new ConfigError(`conv_feature_layers "${expression}" is not a list of (channels, kernel, stride).`);
    const tuples = [...match[1]!.matchAll(/\((\d+),(\d+),(\d+)\)/g)].map((tuple) => tuple.slice(1).map(Number));
    for (let i = 0; i < repeat; i++) layers.push(...tuples);
    rest = rest.slice(match[0].length);
  }
  if (layers.length === 0) throw new ConfigError("conv_feature_layers is empty.");
  return { channels: layers.map((l) => l[0]!), kernels: layers.map((l) => l[1]!), strides: layers.map((l) => l[2]!) };
}

/** The same list in fairseq's words: runs of equal layers are written once. */
export function fairseqConvolutionText(layers: {
  readonly channels: readonly number[];
  readonly kernels: readonly number[];
  readonly strides: readonly number[];
}): string {
  const tuples = layers.channels.map((channels, i) => `[(${channels},${layers.kernels[i]},${layers.strides[i]})]`);
  const terms: string[] = [];
  for (let i = 0, run = 1; i < tuples.length; i += run) {
    for (run = 1; tuples[i + run] === tuples[i]; ) run++;
    terms.push(run === 1 ? tuples[i]! : `${tuples[i]} * ${run}`);
  }
  return terms.join(" + ");
}

/** What fairseq's models fix and transformers' configurations leave open. @throws ConfigError naming the key that differs. */
export function checkFairseqCan(fixed: Readonly<Record<string, readonly [found: unknown, fixed: unknown]>>): void {
  for (const [key, [found, wanted]] of Object.entries(fixed)) {
    if (found !== wanted)
      throw new ConfigError(`${key} is ${found}; fairseq's model always has ${wanted}: this one can't be written for it.`);
  }
}
