// `ostinato export`: writes a model as an ONNX file, or as a folder that transformers.js loads.
import { stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { Command, Option } from "commander";
import { ConfigError } from "../base/errors.ts";
import { type OnnxDtype, onnxModelDtypes } from "../engines/onnx/weight-forms.ts";
import { licenceNotice } from "../hub/licence.ts";
import type { LayerChoice } from "../inference/encoder.ts";
import { type HubFlags, resolveOptions, withHubOptions } from "./open-model.ts";
import { parseLayers } from "./options.ts";
import { interruptible, note, printJson } from "./outcome.ts";
import { checkOutputs } from "./overwrite.ts";

interface ExportFlags extends HubFlags {
  readonly layers?: LayerChoice;
  readonly dtype: OnnxDtype;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

export function exportCommand(): Command {
  const command = new Command("export")
    .description("Write a model as an ONNX file that plain ONNX Runtime runs, or as a folder that transformers.js loads.")
    .argument("<model>", "a model's name, folder or checkpoint file")
    .argument("<out>", "a file that ends in .onnx (weights over 1 GiB go to <out>.data beside it), or a folder for transformers.js")
    .option(
      "--layers <layers>",
      "hidden states to output: all, last, or numbers such as 0,6,12 (default: all; for a folder: last)",
      parseLayers,
    )
    .addOption(new Option("--dtype <dtype>", "number format of the weights").choices(onnxModelDtypes).default("fp32"));
  return withHubOptions(command)
    .option("--overwrite", "replace existing files")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ ostinato export MERT-v1-95M mert.onnx\n  $ ostinato export music2vec-v1 m2v.onnx --layers last\n  $ ostinato export MERT-v1-95M models/mert --dtype q8\n",
    )
    .action((model: string, out: string, flags: ExportFlags) => interruptible((signal) => run(model, out, flags, signal)));
}

async function run(name: string, out: string, flags: ExportFlags, signal: AbortSignal): Promise<void> {
  const toFolder = await isFolder(out);
  const { exportOnnx } = await import("../checkpoint/export.node.ts");
  const { exportFolder, graphNames } = await import("../checkpoint/export-folder.node.ts");
  const { checkpointWeights } = await import("../checkpoint/weights.ts");
  const { chosenLayers } = await import("../inference/encoder.ts");
  const { describeLocalModel, openModelWeights } = await import("../inference/load.node.ts");
  const { resolveModel } = await import("../hub/resolve.node.ts");
  const local = await resolveModel(name, resolveOptions(flags, signal));
  note(licenceNotice(local.name, local.licence));
  const graph = toFolder ? join(out, "onnx", graphNames[flags.dtype]) : out;
  // A folder may get several dtypes, which share its configuration.
  const configs = ["config.json", "preprocessor_config.json"].map((name) => join(out, name));
  if (toFolder) await checkOutputs(configs, local, true);
  await checkOutputs([graph, `${graph}${toFolder ? "_data" : ".data"}`], local, flags.overwrite);
  const file = await openModelWeights(local);
  try {
    const { architecture, inputNormalisation } = await describeLocalModel(local, file);
    const write = toFolder ? exportFolder : exportOnnx;
    const exported = await write(out, architecture, checkpointWeights(file, architecture.keys), {
      layers: chosenLayers(flags.layers ?? (toFolder ? "last" : "all"), architecture.model.layers),
      normaliseInput: inputNormalisation.on,
      dtype: flags.dtype,
      metadata: {
        model: local.name,
        ...(local.revision !== undefined && { revision: local.revision }),
        licence: local.licence?.name ?? "unknown",
      },
    });
    if (flags.json) printJson({ file: out, ...exported, normaliseInput: inputNormalisation.on });
    note(
      `${out}: ${exported.input} [batch, samples at ${architecture.model.sampleRateHz} Hz] → ${exported.outputs.join(", ")} [batch, frames, ${architecture.model.width}]`,
    );
    note(
      `${exported.weights} weights; input normalisation is ${inputNormalisation.on ? `on, to be done by ${toFolder ? "AutoProcessor" : "the caller"}` : "off"} (${inputNormalisation.source})`,
    );
  } finally {
    await file.close();
  }
}

/** Whether `out` is a folder. @throws ConfigError for a file name with another extension than .onnx. */
async function isFolder(out: string): Promise<boolean> {
  if (out.endsWith(".onnx")) return false;
  if (extname(out) === "" || out.endsWith("/") || (await stat(out).catch(() => undefined))?.isDirectory()) return true;
  throw new ConfigError(`The output is ${out}. Give a file name that ends in .onnx, or a folder for transformers.js.`);
}
