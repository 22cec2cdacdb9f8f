// `ostinato verify`: compares a model's hidden states on this machine with those of transformers.
import { resolve } from "node:path";
import { Command } from "commander";
import { ConfigError } from "../base/errors.ts";
import { table } from "./models.ts";
import { type ModelFlags, openModel, resolveOptions, withEngineOptions, withHubOptions } from "./open-model.ts";
import { exitCodes, interruptible, note, printJson } from "./outcome.ts";

interface VerifyFlags extends ModelFlags {
  readonly out: string;
  readonly json?: boolean;
}

export function verifyCommand(): Command {
  const command = new Command("verify")
    .description(
      "Compare every layer with transformers: writes a short Python script, runs it if Python is available, and keeps the result.",
    )
    .argument("<model>", "a model's name or Hugging Face folder");
  return withEngineOptions(withHubOptions(command))
    .option("--out <DIR>", "folder for the script, its input and output, and result.json", "verify")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExit code 1: they differ.\n\nExample:\n  $ ostinato verify MERT-v1-95M --out verify/MERT-v1-95M\n")
    .action((model: string, flags: VerifyFlags) => interruptible((signal) => run(model, flags, signal)));
}

async function run(name: string, flags: VerifyFlags, signal: AbortSignal): Promise<void> {
  const { resolveModel } = await import("../hub/resolve.node.ts");
  const { verifyModel } = await import("../inference/verify.node.ts");
  const local = await resolveModel(name, resolveOptions(flags, signal));
  if (!local.files.config)
    throw new ConfigError(
      `${name} is a fairseq checkpoint, which transformers can't load. Convert it first: ostinato convert ${name} <folder>.`,
    );
  const model = await openModel(name, flags, signal);
  try {
    const result = await verifyModel(model, local.folder, { folder: resolve(flags.out) });
    if (flags.json) printJson(result);
    else {
      const rows = result.layers.map((l) => [
        String(l.layer),
        l.maxError.toExponential(2),
        l.maxErrorOverRms.toExponential(2),
        l.cosine.toFixed(9),
      ]);
      process.stdout.write(table(["layer", "max error", "of rms", "cosine"], rows));
    }
    note(
      `${result.equal ? "Equal to" : "Different from"} ${result.reference}: the largest error over a layer's RMS is ${result.maxErrorOverRms.toExponential(2)}. The result is in ${flags.out}/result.json.`,
    );
    if (!result.equal) process.exitCode = exitCodes.someFailed;
  } finally {
    await model.dispose();
  }
}
