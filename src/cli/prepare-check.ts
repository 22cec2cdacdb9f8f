// `ostinato prepare check`: may training begin? `ostinato prepare store`: labels in their other form.
import { Argument, Command, InvalidArgumentError } from "commander";
import type { LabelForm } from "../data/labels/sets.ts";
import { parseCount } from "./options.ts";
import { exitCodes, note, printJson } from "./outcome.ts";

export interface CheckFlags {
  readonly label?: string;
  readonly labelRate?: number;
  readonly codebooks?: number;
  readonly sampleRate?: number;
  readonly json?: boolean;
}

export function checkCommand(): Command {
  return new Command("check")
    .description("Look through labels for what would spoil a training: it ends with 1 where it finds something.")
    .argument("<folder>", "folder of manifests and labels")
    .option("--label <NAME>", "the set to check (default: every one)")
    .option("--label-rate <HZ>", "frames a second that training expects; needed for labels made elsewhere", parseRate)
    .option("--codebooks <N>", "codebooks that training expects", parseCount)
    .option("--sample-rate <HZ>", "rate that the manifests' lengths count in, where no manifest.json says it", parseCount)
    .option("--json", "print one JSON object a problem")
    .addHelpText("after", "\nExample:\n  $ ostinato prepare check data --codebooks 8 --label-rate 75\n")
    .action(runCheck);
}

/** Says what was looked at and what is wrong. */
export async function runCheck(folder: string, { label, labelRate, codebooks, sampleRate, json = false }: CheckFlags): Promise<void> {
  const { preflightFolder } = await import("../data/labels/preflight-folder.ts");
  const options = { label, rateHz: labelRate, codebooks, sampleRateHz: sampleRate };
  const { problems, looked } = await preflightFolder(folder, options);
  for (const line of looked) note(`checked ${line}`);
  for (const problem of problems) {
    if (json) printJson(problem);
    note(`not fit for training (${problem.check}): ${problem.message}`);
  }
  if (problems.length > 0) process.exitCode = exitCodes.someFailed;
  else note("Nothing is amiss: training may begin.");
}

export function storeCommand(): Command {
  return new Command("store")
    .description("Write labels in their other form beside the one they are in.")
    .argument("<folder>", "folder of manifests and labels")
    .addArgument(new Argument("<form>", "text: fairseq's; compact: a quarter of the size").choices(["text", "compact"]))
    .option("--label <NAME>", "the set to write (default: every one)")
    .option("--label-rate <HZ>", "frames a second, of labels made elsewhere", parseRate)
    .option("--sample-rate <HZ>", "rate that the manifests' lengths count in, where no manifest.json says it", parseCount)
    .addHelpText("after", "\nExample:\n  $ ostinato prepare store data compact\n")
    .action(runStore);
}

async function runStore(folder: string, form: LabelForm, { label, labelRate, sampleRate }: CheckFlags): Promise<void> {
  const { chooseLabel, convertLabels, findLabels } = await import("../data/labels/sets.ts");
  const { readManifests } = await import("../data/manifest/files.ts");
  const manifests = await readManifests(folder, undefined, { sampleRateHz: sampleRate });
  const names = manifests.map(({ name }) => name);
  const labels = label === undefined ? [...(await findLabels(folder, names[0]!)).keys()] : [label];
  for (const each of labels) {
    const { label: own } = await chooseLabel(folder, names[0]!, each);
    const { sampleRateHz } = manifests[0]!.manifest;
    await convertLabels(folder, names, own, form, { sampleRateHz, ...(labelRate !== undefined && { rateHz: labelRate }) });
    note(`${own} is in ${folder} as ${form} too.`);
  }
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (text.trim() === "" || !(rate > 0) || !Number.isFinite(rate))
    throw new InvalidArgumentError("Allowed are frames a second, such as 75.");
  return rate;
}
