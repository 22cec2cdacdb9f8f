// `ostinato export`: a model as an ONNX file.
import { Command, Option } from "commander";
import { ConfigError } from "../base/errors.ts";
import type { Precision } from "../engines/onnx/weight-forms.ts";
import type { LayerChoice } from "../inference/encoder.ts";
import { type HubFlags, licenceLine, resolveOptions, withHubOptions } from "./open-model.ts";
import { parseLayers } from "./options.ts";
import { interruptible, note, printJson } from "./outcome.ts";

interface ExportFlags extends HubFlags {
  readonly layers: LayerChoice;
  readonly dtype: Precision;
  readonly json?: boolean;
}

export function exportCommand(): Command {
  const command = new Command("export")
    .description("Write a model as an ONNX file that plain ONNX Runtime runs.")
    .argument("<model>", "a model's name, folder or checkpoint file")
    .argument("<out.onnx>", "the file to write; weights past 1 GiB go into <out.onnx>.data beside it")
    .option("--layers <layers>", "hidden states to give out: all, last, or numbers such as 0,6,12", parseLayers, "all")
    .addOption(new Option("--dtype <dtype>", "precision of the weights").choices(["fp32", "fp16", "q8", "q4"]).default("fp32"));
  return withHubOptions(command)
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ ostinato export MERT-v1-95M mert.onnx\n  $ ostinato export music2vec-v1 m2v.onnx --layers last\n",
    )
    .action((model: string, out: string, flags: ExportFlags) => interruptible((signal) => run(model, out, flags, signal)));
}

async function run(name: string, out: string, flags: ExportFlags, signal: AbortSignal): Promise<void> {
  if (!out.endsWith(".onnx")) throw new ConfigError(`The file to write is ${out}: give it a name that ends in .onnx.`);
  const { exportOnnx } = await import("../checkpoint/export.node.ts");
  const { checkpointWeights } = await import("../checkpoint/weights.ts");
  const { chosenLayers } = await import("../inference/encoder.ts");
  const { chooseNormalisation, describe, openModelWeights } = await import("../inference/load.node.ts");
  const { resolveModel } = await import("../hub/resolve.node.ts");
  const local = await resolveModel(name, resolveOptions(flags, signal));
  note(licenceLine(local.licence));
  const file = await openModelWeights(local);
  try {
    const { architecture, normalise } = await describe(local, file);
    const normalisation = chooseNormalisation("auto", normalise, local);
    const exported = await exportOnnx(out, architecture, checkpointWeights(file, architecture.keys), {
      layers: chosenLayers(flags.layers, architecture.model.layers),
      normaliseInput: normalisation.on,
      precision: flags.dtype,
      metadata: {
        model: local.name,
        ...(local.revision !== undefined && { revision: local.revision }),
        licence: local.licence?.name ?? "unknown",
      },
    });
    if (flags.json) printJson({ file: out, ...exported, normaliseInput: normalisation.on });
    note(
      `${out}: ${exported.input} [batch, samples at ${architecture.model.sampleRateHz} Hz] → ${exported.outputs.join(", ")} [batch, frames, ${architecture.model.width}]`,
    );
    note(
      `${exported.weights} weights; input normalisation is ${normalisation.on ? "on, and the caller's to do" : "off"} (${normalisation.source})`,
    );
  } finally {
    await file.close();
  }
}
