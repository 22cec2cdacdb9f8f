// `ostinato prepare all`: folder → manifest → labels → check, in one command that resumes where it was stopped.
import { join } from "node:path";
import { Command } from "commander";
import { exitCodes, interruptible } from "./outcome.ts";
import { runCheck } from "./prepare-check.ts";
import { checkTeacher, type LabelFlags, runLabels, withLabelOptions } from "./prepare-labels.ts";
import { type ManifestFlags, runManifest, withManifestOptions } from "./prepare-manifest.ts";

export function allCommand(): Command {
  const command = new Command("all")
    .description("Run all steps: the manifest, the labels, and the check.")
    .argument("<folder>", "folder of recordings; those below it count too")
    .requiredOption("--out <DIR>", "folder of labels and manifests; the manifest of all recordings is written to DIR/manifest");
  return withLabelOptions(withManifestOptions(command))
    .addHelpText("after", examples)
    .action((folder: string, flags: ManifestFlags & LabelFlags) => interruptible((signal) => run(folder, flags, signal)));
}

const examples = `
Examples:
  $ ostinato prepare all music --out data --labels codec
  $ ostinato prepare all music --out data --sample-rate 16000 --labels kmeans --features mfcc --clusters 500
`;

async function run(folder: string, flags: ManifestFlags & LabelFlags, signal: AbortSignal): Promise<void> {
  const { failures } = await import("../data/manifest/report.ts");
  const { unlabelled } = await import("../teachers/run/report.ts");
  const manifest = join(flags.out, "manifest");
  await checkTeacher(flags, signal);
  const report = await runManifest(folder, { ...flags, out: manifest }, signal);
  const labelled = await runLabels(manifest, flags, signal);
  if (failures(report) + unlabelled(labelled) > 0) process.exitCode = exitCodes.someFailed;
  await runCheck(flags.out, { label: labelled.label, ...(flags.json && { json: true }) });
}
