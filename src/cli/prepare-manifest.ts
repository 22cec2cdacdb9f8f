// `ostinato prepare manifest`: which recordings there are, how long each is, and what is wrong with the others.
import { Command, InvalidArgumentError } from "commander";
import { startProgress } from "../base/progress.ts";
import type { FileRecord, ManifestReport } from "../data/manifest/report.ts";
import { parseCount, parseSeconds, parseSeed } from "./options.ts";
import { exitCodes, InterruptedError, interruptible, note, printJson } from "./outcome.ts";

export interface ManifestFlags {
  readonly out: string;
  readonly sampleRate: number;
  readonly validPercent: number;
  readonly splitList?: string;
  readonly seed: number;
  readonly convert?: boolean;
  readonly decode?: boolean;
  readonly minSeconds: number;
  readonly jobs?: number;
  readonly json?: boolean;
}

export function manifestCommand(): Command {
  const command = new Command("manifest")
    .description("List the recordings of a folder with their lengths, as fairseq's train.tsv and valid.tsv.")
    .argument("<folder>", "folder of recordings; those below it count too")
    .requiredOption("--out <DIR>", "folder of the manifest");
  return withManifestOptions(command)
    .addHelpText("after", examples)
    .action((folder: string, flags: ManifestFlags) => interruptible((signal) => run(folder, flags, signal)));
}

/** Options of both `manifest` and `all`. */
export function withManifestOptions(command: Command): Command {
  return command
    .option("--sample-rate <HZ>", "sample rate of the lengths and of training", parseCount, 24_000)
    .option("--valid-percent <P>", "percentage of the clips to hold out for validation", parsePercent, 1)
    .option("--split-list <FILE>", "hold out the files and folders of this list instead, one per line, relative to the folder")
    .option("--seed <N>", "seed of the validation split and of a quantiser's training", parseSeed, 0)
    .option("--convert", "write mono 16-bit wav copies at the sample rate, and list those")
    .option("--decode", "decode every file to its end, which finds damage that headers don't show")
    .option("--min-seconds <S>", "leave out shorter files", parseSeconds, 1)
    .option("--jobs <N>", "files processed in parallel (default: the number of cores)", parseCount)
    .option("--json", "print one JSON object per file, then the report");
}

const examples = `
Files that can't be used are named and left out; they never end the run. Duplicates are files of equal bytes.

Examples:
  $ ostinato prepare manifest music --out data/manifest
  $ ostinato prepare manifest music --out data/manifest --sample-rate 16000 --convert --valid-percent 2
`;

async function run(folder: string, flags: ManifestFlags, signal: AbortSignal): Promise<void> {
  const { failures } = await import("../data/manifest/report.ts");
  const report = await runManifest(folder, flags, signal);
  if (failures(report) > 0) process.exitCode = exitCodes.someFailed;
}

/** Prepares the manifest, with progress on stderr. */
export async function runManifest(folder: string, flags: ManifestFlags, signal: AbortSignal): Promise<ManifestReport> {
  const { prepareManifest } = await import("../data/manifest/prepare.ts");
  const { readSplitList } = await import("../data/manifest/split.ts");
  const { out, sampleRate, splitList, validPercent, seed, convert = false, decode = false, minSeconds, jobs, json = false } = flags;
  const valid = splitList === undefined ? { percent: validPercent, seed } : { list: await readSplitList(splitList) };
  let progress: ReturnType<typeof startProgress> | undefined;
  const run = prepareManifest(folder, {
    ...{ out, sampleRateHz: sampleRate, valid, convert, decode, minSeconds, signal },
    ...(jobs !== undefined && { jobs }),
    onStart: (total) => {
      progress = startProgress({ total, stream: process.stderr, quiet: json });
    },
    onFile: (record) => {
      progress?.advance(recordProgress(record, sampleRate));
      if (json) printJson(record);
    },
  });
  const report = await run
    .catch((error) => {
      throw signal.aborted ? new InterruptedError("Interrupted.") : error;
    })
    .finally(() => progress?.finish());
  for (const line of report.summary) note(line);
  note(`The manifest is ${out}.`);
  if (json) printJson({ ...report, usable: report.usable.length, summary: undefined });
  return report;
}

function recordProgress(record: FileRecord, sampleRateHz: number) {
  return { failed: "fault" in record, skipped: "duplicateOf" in record, seconds: "samples" in record ? record.samples / sampleRateHz : 0 };
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (text.trim() === "" || !(percent >= 0 && percent < 100)) throw new InvalidArgumentError("Allowed are numbers from 0 to below 100.");
  return percent;
}
