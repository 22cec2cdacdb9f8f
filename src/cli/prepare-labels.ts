// `ostinato prepare labels`: what a teacher says of every clip of a manifest.
import { Command, Option } from "commander";
import { startProgress } from "../base/progress.ts";
import type { TeacherChoice, TeacherKind } from "../teachers/choice.ts";
import type { LabelReport } from "../teachers/run/report.ts";
import { type ModelFlags, resolveOptions, withEngineOptions, withHubOptions } from "./open-model.ts";
import { parseCount, parseIndex, parseSeed } from "./options.ts";
import { exitCodes, InterruptedError, interruptible, note, printJson } from "./outcome.ts";

export interface LabelFlags extends ModelFlags {
  readonly out: string;
  readonly labels: TeacherKind;
  readonly label?: string;
  readonly model?: string;
  readonly codebooks?: number;
  readonly features?: TeacherChoice["features"];
  readonly layer?: number;
  readonly codebook?: string;
  readonly clusters?: number;
  readonly stages?: number;
  readonly size?: number;
  readonly starts?: number;
  readonly passes?: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly store?: "text" | "compact" | "both";
  readonly part?: string;
  readonly plan?: boolean;
  readonly trainOnly?: boolean;
  readonly sampleRate?: number;
  readonly json?: boolean;
}

export function labelsCommand(): Command {
  const command = new Command("labels")
    .description("Label the clips of manifests with a teacher: EnCodec, k-means or a residual quantiser.")
    .argument("<manifests>", "folder of train.tsv and valid.tsv, or of their shards")
    .requiredOption("--out <DIR>", "folder of the labels, with manifests of the labelled clips");
  return withLabelOptions(command)
    .option("--seed <N>", "seed of a quantiser's training", parseSeed, 0)
    .option("--part <I/N>", "label part I of N (from 0), joined by `prepare join`; auto: from SLURM, auto/N: from Kubernetes")
    .option("--plan", "print the hours and bytes that labelling will take, and label nothing")
    .option("--train-only", "kmeans, rvq: train the quantiser and label nothing")
    .option("--sample-rate <HZ>", "sample rate of the manifests' lengths, if there is no manifest.json", parseCount)
    .option("--json", "print one JSON object per clip, then the report")
    .addHelpText("after", examples)
    .action((folder: string, flags: LabelFlags) => interruptible((signal) => run(folder, flags, signal)));
}

/** Options of both `labels` and `all`. */
export function withLabelOptions(command: Command): Command {
  command
    .addOption(
      new Option("--labels <teacher>", "codec: EnCodec; kmeans: one codebook; rvq: a residual quantiser")
        .choices(["codec", "kmeans", "rvq"])
        .makeOptionMandatory(),
    )
    .option("--label <NAME>", "name of the labels in file names (default: codec, rvq, mfcc, logmel, chroma, layer6)")
    .option("--model <name|folder>", "codec: the EnCodec checkpoint (default: facebook/encodec_24khz); --features layer: the model")
    .option("--codebooks <N>", "codec: number of codebooks (default: 8)", parseCount)
    .addOption(
      new Option("--features <features>", "kmeans, rvq: features to cluster (default: mfcc; rvq: logmel)").choices([
        "mfcc",
        "logmel",
        "chroma",
        "layer",
      ]),
    )
    .option("--layer <N>", "--features layer: index of the hidden state", parseIndex)
    .option("--codebook <FILE>", "kmeans, rvq: a trained quantiser (default: one is trained and written to the output folder)")
    .option("--clusters <N>", "kmeans: number of clusters; default 100 for mfcc, 300 for logmel, 200 for chroma, 500 for layer", parseCount)
    .option("--stages <N>", "rvq: codebooks (default: 8)", parseCount)
    .option("--size <N>", "rvq: codes per codebook (default: 1024)", parseCount)
    .option("--starts <N>", "kmeans, rvq: initialisations tried by k-means++ (default: 20; rvq: 3)", parseCount)
    .option("--passes <N>", "kmeans, rvq: maximum number of passes over the frames (default: 100)", parseCount)
    .option("--batch-size <N>", "clips per run of the teacher", parseCount, 8)
    .addOption(
      new Option("--store <form>", "fairseq's text, the compact form, or both (default: both; above 1 GB compact)").choices([
        "text",
        "compact",
        "both",
      ]),
    );
  return withEngineOptions(withHubOptions(command));
}

const examples = `
A run that was interrupted resumes. Clips that can't be used are named and left out.

Examples:
  $ ostinato prepare labels data/manifest --out data --labels codec
  $ ostinato prepare labels data/manifest --out data --labels kmeans --features chroma --clusters 200
  $ ostinato prepare labels data/manifest --out data --labels rvq --stages 4 --size 256
  $ ostinato prepare labels data/manifest --out data --labels codec --plan
  $ ostinato prepare labels data/manifest --out data --labels codec --part 0/8
`;

async function run(folder: string, flags: LabelFlags, signal: AbortSignal): Promise<void> {
  if (flags.plan || flags.trainOnly) return planOrTrain(folder, flags, signal);
  const { unlabelled } = await import("../teachers/run/report.ts");
  if (unlabelled(await runLabels(folder, flags, signal)) > 0) process.exitCode = exitCodes.someFailed;
}

async function planOrTrain(folder: string, flags: LabelFlags, signal: AbortSignal): Promise<void> {
  const { planLabelling, trainTeacher } = await import("../teachers/run/prepare.ts");
  const { planLines } = await import("../teachers/run/plan.ts");
  const { parsePart } = await import("../teachers/run/parts.ts");
  const { out, label, sampleRate: sampleRateHz, batchSize, engine, device, dtype, inputNorm } = flags;
  const options = {
    ...resolveOptions(flags, signal),
    ...{ out, label, batchSize, engine, device, dtype, inputNorm, sampleRateHz, teacher: choiceOf(flags), onTraining: trainingNotes() },
  };
  if (flags.trainOnly) return trainTeacher(folder, options);
  const { plan, teacher } = await planLabelling(folder, options);
  if (flags.json) printJson(plan);
  else for (const line of planLines(plan, teacher, flags.part === undefined ? 1 : parsePart(flags.part).count)) note(line);
}

/** `ostinato prepare join`: the parts of a labelling run become one. */
export function joinCommand(): Command {
  return new Command("join")
    .description("Join the parts that `prepare labels --part` wrote, after checking that all are there and belong together.")
    .argument("<folder>", "the --out of the parts, which the joined labels are written to")
    .option("--label <NAME>", "the labels to join, where the parts hold several")
    .addOption(
      new Option("--store <form>", "text, compact, or both (default: both; above 1 GB compact)").choices(["text", "compact", "both"]),
    )
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExample:\n  $ ostinato prepare join data\n")
    .action(async (folder: string, { label, store, json }: { label?: string; store?: "text" | "compact" | "both"; json?: boolean }) => {
      const { joinParts } = await import("../teachers/run/parts.ts");
      const { labelSummary, unlabelled } = await import("../teachers/run/report.ts");
      const { inClaimedFolder } = await import("../base/claim.node.ts");
      const forms = store === undefined ? undefined : store === "both" ? (["text", "compact"] as const) : [store];
      const report = await inClaimedFolder(folder, (guard) => joinParts(folder, { label, forms, guard }), { sweep: ["."] });
      for (const line of labelSummary(report)) note(line);
      if (json) printJson(report);
      if (unlabelled(report) > 0) process.exitCode = exitCodes.someFailed;
    });
}

/** Opens the teacher before any recording is read, so that a wrong checkpoint or sample rate is refused at once.
 *  @throws ConfigError where it can't label audio at the sample rate. */
export async function checkTeacher(flags: LabelFlags & { readonly sampleRate: number }, signal: AbortSignal): Promise<void> {
  const { tryTeacher } = await import("../teachers/open-teacher.ts");
  const { engine, device, dtype, sampleRate: sampleRateHz } = flags;
  await tryTeacher(choiceOf(flags), { ...resolveOptions(flags, signal), engine, device, dtype, sampleRateHz });
}

/** Labels the manifests of a folder and prints its progress on stderr. */
export async function runLabels(folder: string, flags: LabelFlags, signal: AbortSignal): Promise<LabelReport> {
  const { prepareLabels } = await import("../teachers/run/prepare.ts");
  const { labelSummary } = await import("../teachers/run/report.ts");
  const { parsePart } = await import("../teachers/run/parts.ts");
  const { out, label, sampleRate, batchSize, store, part, json = false, engine, device, dtype, inputNorm } = flags;
  let progress: ReturnType<typeof startProgress> | undefined;
  const run = prepareLabels(folder, {
    ...resolveOptions(flags, signal),
    ...{ out, label, batchSize, engine, device, dtype, inputNorm, sampleRateHz: sampleRate, teacher: choiceOf(flags) },
    forms: store === undefined ? undefined : store === "both" ? ["text", "compact"] : [store],
    part: part === undefined ? undefined : parsePart(part),
    onTraining: trainingNotes(),
    onStart: (total) => {
      progress = startProgress({ total, stream: process.stderr, quiet: json });
    },
    onClip: (clip) => {
      if (clip.status === "failed") progress?.note(`failed: ${clip.message}`);
      progress?.advance({ failed: clip.status === "failed", skipped: clip.status === "skipped", seconds: clip.seconds });
      if (json) printJson(clip);
    },
  });
  const report = await run
    .catch((error) => {
      throw signal.aborted ? new InterruptedError("Interrupted.") : error;
    })
    .finally(() => progress?.finish());
  for (const line of labelSummary(report)) note(line);
  note(`The labels are in ${out}.`);
  if (json) printJson(report);
  return report;
}

/** Milliseconds between two lines of progress. */
const repeatMilliseconds = 10_000;

/** Prints milestones of a training, and its progress at most every ten seconds. */
function trainingNotes(now: () => number = Date.now): (line: string, kind: "milestone" | "progress") => void {
  let printed = now();
  return (line, kind) => {
    if (kind === "progress" && now() - printed < repeatMilliseconds) return;
    printed = now();
    note(line);
  };
}

function choiceOf(flags: LabelFlags): TeacherChoice {
  const { labels: kind, model, codebooks, features, layer, codebook, clusters, stages, size, starts, passes: maxPasses, seed } = flags;
  return { kind, model, codebooks, features, layer, codebook, clusters, stages, size, starts, maxPasses, seed };
}
