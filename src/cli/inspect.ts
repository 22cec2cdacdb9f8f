// `ostinato inspect`: describes a checkpoint from its headers alone.

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { elementCount } from "../base/dtypes.ts";
import { messageOf } from "../base/errors.ts";
import { readTextIfThere } from "../base/files.node.ts";
import { parseJson } from "../base/json.ts";
import { printable } from "../base/shown.ts";
import { type TensorFile, tensorBytes } from "../formats/tensor-file.ts";
import type { Architecture } from "../models/index.ts";
import { megabytes, table } from "./models.ts";
import { type HubFlags, resolveOptions, withHubOptions } from "./open-model.ts";
import { interruptible, printJson } from "./outcome.ts";

interface InspectFlags extends HubFlags {
  readonly tensors?: boolean;
  readonly json?: boolean;
}

export function inspectCommand(): Command {
  const command = new Command("inspect")
    .description("Describe a checkpoint without loading it.")
    .argument("<checkpoint>", "a checkpoint file, a model's folder, or a model's name")
    .option("--tensors", "list every tensor");
  return withHubOptions(command)
    .option("--json", "print it as one JSON object")
    .addHelpText("after", "\nExamples:\n  $ ostinato inspect pytorch_model.bin\n  $ ostinato inspect MERT-v1-95M --tensors\n")
    .action((path: string, flags: InspectFlags) => interruptible((signal) => run(path, flags, signal)));
}

/** The description of a checkpoint. */
interface Findings {
  readonly file: string;
  readonly format: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly dtypes: Readonly<Record<string, number>>;
  /** Where the configuration was found. */
  readonly config: string | undefined;
  readonly family: string;
  readonly missing: readonly string[];
  readonly unused: readonly string[];
}

async function run(path: string, flags: InspectFlags, signal: AbortSignal): Promise<void> {
  const { openCheckpointPath } = await import("../checkpoint/read.node.ts");
  const { resolveModel } = await import("../hub/resolve.node.ts");
  const here = await stat(path).catch(() => undefined);
  const place = here ? path : (await resolveModel(path, resolveOptions(flags, signal))).folder;
  const file = await openCheckpointPath(place);
  try {
    const findings = await inspect(file, here?.isFile() ? dirname(path) : place);
    const listed = [...file.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape, bytes: tensorBytes({ dtype, shape }) }));
    if (flags.json) printJson({ ...findings, ...(flags.tensors && { list: listed }) });
    else process.stdout.write(report(findings));
    if (flags.json) return;
    const shown = flags.tensors ? listed : listed.sort((a, b) => b.bytes - a.bytes).slice(0, 5);
    const rows = shown.map(({ name, dtype, shape, bytes }) => [printable(name, 200), dtype, `[${shape.join(", ")}]`, megabytes(bytes)]);
    process.stdout.write(`\n${table([flags.tensors ? "tensor" : "largest tensors", "dtype", "shape", "size"], rows)}`);
  } finally {
    await file.close();
  }
}

async function inspect(file: TensorFile, folder: string): Promise<Findings> {
  const infos = [...file.tensors.values()];
  const dtypes: Record<string, number> = {};
  for (const { dtype } of infos) dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  const { config, architecture, trouble } = await recognise(file, folder);
  const fit = architecture ? await fitOf(file, architecture) : { missing: [], unused: [] };
  return {
    file: file.name,
    format: file.format,
    tensors: infos.length,
    parameters: infos.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    bytes: infos.reduce((sum, info) => sum + tensorBytes(info), 0),
    dtypes,
    config,
    family: architecture ? described(architecture) : (trouble ?? "unknown: no configuration was found"),
    ...fit,
  };
}

interface Recognised {
  readonly config: string | undefined;
  readonly architecture?: Architecture;
  readonly trouble?: string;
}

/** The family, as loading would take it: by the config.json beside the weights or the configuration inside a fairseq file. */
async function recognise(file: TensorFile, folder: string): Promise<Recognised> {
  const { describeModel } = await import("../inference/describe.ts");
  const inside = file.format === "fairseq";
  const path = join(folder, "config.json");
  const text = inside ? undefined : await readTextIfThere(path);
  if (!inside && text === undefined) return { config: undefined };
  const config = inside ? "inside the file" : path;
  try {
    if (text === undefined) return { config, architecture: describeModel({ name: file.name }, file).architecture };
    const beside = (await readTextIfThere(join(folder, "preprocessor_config.json"))) ?? "{}";
    const facts = { name: file.name, config: parseJson(text, path), preprocessor: parseJson(beside, "preprocessor_config.json") };
    return { config, architecture: describeModel(facts, file).architecture };
  } catch (error) {
    return { config, trouble: `unknown: ${messageOf(error)}` };
  }
}

async function fitOf(file: TensorFile, { model, keys }: Architecture): Promise<{ missing: string[]; unused: string[] }> {
  const { weightNames } = await import("../checkpoint/weights.ts");
  const { modelParams } = await import("../models/model.ts");
  const namesInFile = weightNames(file, keys);
  const wanted = Object.keys(modelParams(model));
  const used = new Set(wanted.map((name) => namesInFile.get(name)));
  return { missing: wanted.filter((name) => !namesInFile.has(name)), unused: [...file.tensors.keys()].filter((name) => !used.has(name)) };
}

function described({ family, model }: Architecture): string {
  const { layers, width, sampleRateHz, hopSamples } = model;
  return `${family}: ${layers} layers of ${width}, ${sampleRateHz / hopSamples} frames a second at ${sampleRateHz} Hz`;
}

function report(findings: Findings): string {
  const some = (names: readonly string[]) =>
    `${names
      .slice(0, 5)
      .map((name) => printable(name))
      .join(", ")}${names.length > 5 ? ", …" : ""}`;
  const dtypes = Object.entries(findings.dtypes).map(([dtype, count]) => `${count} ${dtype}`);
  const lines = [
    ["file", findings.file],
    ["format", findings.format],
    [
      "tensors",
      `${findings.tensors} (${dtypes.join(", ") || "none"}), ${findings.parameters.toLocaleString("en")} parameters, ${megabytes(findings.bytes)}`,
    ],
    ["config", findings.config ?? "none: there is no config.json beside it"],
    ["family", findings.family],
    ...(findings.missing.length > 0
      ? [["missing", `${findings.missing.length} weights that the family requires: ${some(findings.missing)}`]]
      : []),
    ...(findings.unused.length > 0 && !findings.family.startsWith("unknown")
      ? [["not used", `${findings.unused.length} tensors: ${some(findings.unused)}`]]
      : []),
  ];
  return lines.map(([key, value]) => `${key!.padEnd(9)} ${value}\n`).join("");
}
