// `ostinato prepare check`: is a corpus fit for training? `ostinato prepare store`: labels in their other form.
import { Argument, Command, Option } from "commander";
import type { LabelForm } from "../data/labels/sets.ts";
import type { LeakSearch } from "../data/manifest/leaks.ts";
import { parseCount, parseRate } from "./options.ts";
import { exitCodes, note, printJson } from "./outcome.ts";

export interface CheckFlags {
  readonly label?: string;
  readonly labelRate?: number;
  readonly codebooks?: number;
  readonly sampleRate?: number;
  readonly labelDir?: string;
  readonly leaks?: LeakSearch;
  readonly json?: boolean;
}

export function checkCommand(): Command {
  return new Command("check")
    .description("Check manifests and labels for everything that would spoil a training; exit code 1 where something is found.")
    .argument("<folder>", "folder of manifests and labels")
    .option("--label <NAME>", "the set to check (default: every one)")
    .option("--label-dir <DIR>", "folder of the labels, where they are not beside the manifests")
    .option("--label-rate <HZ>", "frames a second that training expects; required for labels without a stamp", parseRate)
    .option("--codebooks <N>", "codebooks that training expects", parseCount)
    .option("--sample-rate <HZ>", "sample rate of the manifests' lengths, where there is no manifest.json", parseCount)
    .addOption(
      new Option("--leaks <search>", "compare all clips, a sample of them, or none, to find recordings that occur in two splits")
        .choices(["sample", "all", "none"])
        .default("sample"),
    )
    .option("--json", "print one JSON object for each problem")
    .addHelpText("after", "\nExample:\n  $ ostinato prepare check data --codebooks 8 --label-rate 75\n")
    .action(runCheck);
}

/** Prints what was checked and the problems. */
export async function runCheck(folder: string, flags: CheckFlags): Promise<void> {
  const { label, labelDir, labelRate, codebooks, sampleRate, leaks, json = false } = flags;
  const { preflightFolder } = await import("../data/labels/preflight-folder.ts");
  const options = { label, labelFolder: labelDir, rateHz: labelRate, codebooks, sampleRateHz: sampleRate, leaks };
  const { problems, looked } = await preflightFolder(folder, options);
  for (const line of looked) note(`checked ${line}`);
  for (const problem of problems) {
    if (json) printJson(problem);
    note(`not fit for training (${problem.check}): ${problem.message}`);
  }
  if (problems.length > 0) process.exitCode = exitCodes.someFailed;
  else note("No problems were found: training may begin.");
}

export function storeCommand(): Command {
  return new Command("store")
    .description("Write labels in the other form, beside the existing one.")
    .argument("<folder>", "folder of manifests and labels")
    .addArgument(new Argument("<form>", "text: fairseq's; compact: a quarter of the size").choices(["text", "compact"]))
    .option("--label <NAME>", "the set to write (default: every one)")
    .option("--label-dir <DIR>", "folder of the labels, where they are not beside the manifests")
    .option("--label-rate <HZ>", "frames a second, of labels without a stamp", parseRate)
    .option("--sample-rate <HZ>", "sample rate of the manifests' lengths, where there is no manifest.json", parseCount)
    .addHelpText("after", "\nExample:\n  $ ostinato prepare store data compact\n")
    .action(runStore);
}

async function runStore(folder: string, form: LabelForm, { label, labelDir = folder, labelRate, sampleRate }: CheckFlags): Promise<void> {
  const { chooseLabel, convertLabels, findLabels } = await import("../data/labels/sets.ts");
  const { readManifests } = await import("../data/manifest/files.ts");
  const manifests = await readManifests(folder, undefined, { sampleRateHz: sampleRate });
  const names = manifests.map(({ name }) => name);
  const labels = label === undefined ? [...(await findLabels(labelDir, names[0]!)).keys()] : [label];
  for (const each of labels) {
    const { label: own } = await chooseLabel(labelDir, names[0]!, each);
    const { sampleRateHz } = manifests[0]!.manifest;
    await convertLabels(labelDir, names, own, form, { sampleRateHz, ...(labelRate !== undefined && { rateHz: labelRate }) });
    note(`${own} is in ${labelDir} as ${form} too.`);
  }
}
