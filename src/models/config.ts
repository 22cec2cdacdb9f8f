// What the families' configurations share: a table of settings with their names in transformers and in fairseq, parsed with errors that
// name the key.
import * as z from "zod";
import { ConfigError } from "../base/errors.ts";

/** The names that transformers and fairseq have for each activation; "gelu_new" is GELU's tanh approximation. */
const activationNames = {
  gelu: "gelu",
  gelu_new: "gelu_new",
  gelu_fast: "gelu_new",
  gelu_pytorch_tanh: "gelu_new",
  gelu_accurate: "gelu_new",
  quick_gelu: "quick_gelu",
  silu: "silu",
  swish: "silu",
  relu: "relu",
  tanh: "tanh",
} as const;

export type Activation = (typeof activationNames)[keyof typeof activationNames];

/** An activation by any of its names; default GELU. */
export const activation = z
  .enum(Object.keys(activationNames) as (keyof typeof activationNames)[])
  .default("gelu")
  .transform((name): Activation => activationNames[name]);

const fairseqActivations: Readonly<Record<Activation, string | undefined>> = {
  ...{ gelu: "gelu", relu: "relu", tanh: "tanh" },
  gelu_new: "gelu_accurate",
  silu: "swish",
  quick_gelu: undefined,
};

/** fairseq's name of an activation. @throws ConfigError for one that fairseq does not have. */
export function fairseqActivation(name: Activation): string {
  const theirs = fairseqActivations[name];
  if (theirs === undefined)
    throw new ConfigError(`hidden_act is ${name}, which fairseq does not have: this model can't be written for it.`);
  return theirs;
}

/** A size of at most `most`: a configuration that asks for more is corrupt or hostile, and is refused before anything is allocated. */
export const size = (most: number) => z.int().positive().max(most);

/** The largest sizes accepted; published models stay far below. */
export const most = {
  layers: 512,
  width: 1 << 16,
  kernel: 4096,
  stride: 4096,
  convolutions: 64,
  codebooks: 1024,
  sampleRateHz: 768_000,
} as const;

export const sampleRate = size(most.sampleRateHz);

/** One setting: the key of transformers' config.json, fairseq's key, and the accepted values with the default. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  readonly transformers: string;
  /** Absent: fairseq's model has no such setting and always uses the default. */
  readonly fairseq: string | undefined;
  readonly schema: S;
}

export function setting<S extends z.ZodType>(transformers: string, fairseq: string | undefined, schema: S): Setting<S> {
  return { transformers, fairseq, schema };
}

type Settings = Readonly<Record<string, Setting>>;
export type SettingValues<T extends Settings> = { readonly [K in keyof T]: z.output<T[K]["schema"]> };
type Dialect = "transformers" | "fairseq";

const fileOf = { transformers: "config.json", fairseq: "the fairseq checkpoint's model configuration" } as const;

/** Reads the settings of a table. @throws ConfigError naming the first wrong key and what is wrong with its value. */
export function readSettings<T extends Settings>(table: T, json: unknown, dialect: Dialect): SettingValues<T> {
  const keys = Object.entries(table).flatMap(([, one]) => (one[dialect] === undefined ? [] : [[one[dialect], one.schema] as const]));
  const read = parseConfig(z.object(Object.fromEntries(keys)), json, fileOf[dialect]);
  return Object.fromEntries(
    Object.entries(table).map(([name, one]) => [name, one[dialect] === undefined ? one.schema.parse(undefined) : read[one[dialect]]]),
  ) as SettingValues<T>;
}

/** The settings under the dialect's keys. @throws ConfigError for a value that fairseq's model cannot have. */
export function writeSettings<T extends Settings>(table: T, values: SettingValues<T>, dialect: Dialect): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(table)) {
    const key = one[dialect];
    if (key !== undefined) written[key] = values[name];
    else if (values[name] !== one.schema.parse(undefined))
      throw new ConfigError(
        `${one.transformers} is ${values[name]}; fairseq's model always has ${one.schema.parse(undefined)}: this model can't be written for it.`,
      );
  }
  return written;
}

/** @throws ConfigError naming the first wrong key and what is wrong with its value. */
export function parseConfig<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ConfigError(`${where}: ${issue?.path.join(".") || "the file"}: ${issue?.message}.`);
}
