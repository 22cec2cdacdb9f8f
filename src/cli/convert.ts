// `ostinato convert`: converts a checkpoint between Hugging Face's and fairseq's formats.

import { join } from "node:path";
import { Command, Option } from "commander";
import { readJson as readJsonFile, readTextIfThere } from "../base/files.node.ts";
import { printable } from "../base/shown.ts";
import type { CheckpointForm } from "../checkpoint/convert.node.ts";
import type { FairseqFile } from "../formats/fairseq.ts";
import type { TensorFile } from "../formats/tensor-file.ts";
import { licenceNotice } from "../hub/licence.ts";
import { type HubFlags, resolveOptions, withHubOptions } from "./open-model.ts";
import { interruptible, note, printJson } from "./outcome.ts";
import { checkOutputs } from "./overwrite.ts";

interface ConvertFlags extends HubFlags {
  readonly to?: CheckpointForm;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

export function convertCommand(): Command {
  const command = new Command("convert")
    .description(
      "Convert a checkpoint: fairseq's .pt or a pytorch_model.bin to a Hugging Face folder with safetensors, or back to fairseq.",
    )
    .argument("<from>", "a model's name, folder or checkpoint file")
    .argument("<to>", "the folder (hf) or the .pt file (fairseq) to write")
    .addOption(new Option("--to <form>", "format to write (default: fairseq if <to> ends in .pt, else hf)").choices(["hf", "fairseq"]));
  return withHubOptions(command)
    .option("--overwrite", "replace existing files")
    .option("--json", "print what was written as JSON")
    .addHelpText("after", "\nExamples:\n  $ ostinato convert checkpoint_last.pt my-mert\n  $ ostinato convert MERT-v1-95M mert.pt\n")
    .action((from: string, to: string, flags: ConvertFlags) => interruptible((signal) => run(from, to, flags, signal)));
}

/** What a Hugging Face folder gets. */
const folderFiles = ["model.safetensors", "config.json", "preprocessor_config.json", "README.md"];

async function run(from: string, to: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  const { convertCheckpoint } = await import("../checkpoint/convert.node.ts");
  const { fairseqModelName } = await import("../inference/describe.ts");
  const { describeLocalModel, openModelWeights } = await import("../inference/load.node.ts");
  const { resolveModel } = await import("../hub/resolve.node.ts");
  const form = flags.to ?? (to.endsWith(".pt") ? "fairseq" : "hf");
  const local = await resolveModel(from, resolveOptions(flags, signal));
  note(licenceNotice(local.name, local.licence));
  await checkOutputs(form === "hf" ? folderFiles.map((name) => join(to, name)) : [to], local, flags.overwrite);
  const file = await openModelWeights(local);
  try {
    const { architecture, inputNormalisation, attentionMask } = await describeLocalModel(local, file);
    const name = file.format === "fairseq" ? fairseqModelName(file as FairseqFile) : undefined;
    const hfConfig = await readJson(local.files.config);
    const hfPreprocessor = await readJson(local.files.preprocessor);
    const card =
      (await readCard(local.folder)) ?? (local.licence && `---\nlicense: ${local.licence.name}\n---\n\nConverted from ${local.name}.\n`);
    const converted = await convertCheckpoint(
      file,
      architecture,
      { form, path: to },
      {
        normaliseInput: inputNormalisation.on,
        attentionMask,
        ...(hfConfig && { hfConfig }),
        ...(hfPreprocessor && { hfPreprocessor }),
        ...(card !== undefined && { card }),
        ...fairseqName(name ?? hfConfig?.model_type),
      },
    );
    if (flags.json) printJson({ from: file.name, format: file.format, to: form, ...converted });
    for (const line of report(file, converted, inputNormalisation)) note(line);
  } finally {
    await file.close();
  }
}

/** HuBERT and MERT share one architecture here but have different names in fairseq. */
function fairseqName(configured: unknown): { fairseqName?: string } {
  return configured === "hubert" || configured === "mert" || configured === "data2vec_audio" ? { fairseqName: configured } : {};
}

function report(
  file: TensorFile,
  {
    files,
    tensors,
    leftOut,
    missing,
  }: { files: readonly string[]; tensors: number; leftOut: readonly string[]; missing: readonly string[] },
  normalisation: { on: boolean; source: string },
): string[] {
  const some = (names: readonly string[]) =>
    `${names
      .slice(0, 4)
      .map((name) => printable(name))
      .join(", ")}${names.length > 4 ? ", …" : ""}`;
  return [
    `${file.name} (${file.format}): ${tensors} tensors → ${files.join(", ")}`,
    ...(leftOut.length > 0 ? [`left out, since inference does not use them: ${leftOut.length} tensors (${some(leftOut)})`] : []),
    ...(missing.length > 0 ? [`missing in the source, used by training only: ${some(missing)}`] : []),
    `input normalisation in the written configuration: ${normalisation.on ? "on" : "off"} (${normalisation.source})`,
  ];
}

async function readCard(folder: string): Promise<string | undefined> {
  return readTextIfThere(join(folder, "README.md"));
}

async function readJson(path: string | undefined): Promise<Record<string, unknown> | undefined> {
  return path === undefined ? undefined : ((await readJsonFile(path)) as Record<string, unknown>);
}
