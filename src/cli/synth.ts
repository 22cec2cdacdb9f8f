// `ostinato synth`: generates labelled music, as plain clips and in the layouts of four probe data sets.
import { Command, InvalidArgumentError, Option } from "commander";
import { startProgress } from "../base/progress.ts";
import { parseCount, parseSeed } from "./options.ts";
import { InterruptedError, interruptible, note, printJson } from "./outcome.ts";

interface SynthFlags {
  readonly out: string;
  readonly hours: number;
  readonly seed: number;
  readonly sampleRate: number;
  readonly format: "wav" | "flac";
  readonly json?: boolean;
}

export function synthCommand(): Command {
  return new Command("synth")
    .description("Generate labelled music from a seed: key, tempo, beats, chords, style, instruments and mood are known by construction.")
    .requiredOption("--out <DIR>", "folder of the corpus")
    .requiredOption("--hours <H>", "hours of music, in clips of 30 s", parseHours)
    .requiredOption("--seed <N>", "whole number from 0; the same seed gives the same bytes", parseSeed)
    .option("--sample-rate <HZ>", "sample rate", parseCount, 24_000)
    .addOption(new Option("--format <format>", "flac needs the ffmpeg program").choices(["wav", "flac"]).default("wav"))
    .option("--json", "print one JSON object for each clip: label and file")
    .addHelpText("after", examples)
    .action((flags: SynthFlags) => interruptible((signal) => run(flags, signal)));
}

const examples = `
Existing clips are skipped, so an interrupted run continues where it stopped, and a larger --hours adds clips.

Examples:
  $ ostinato synth --out music --hours 1 --seed 0
      music/audio: the clips; music/clips.jsonl: their labels; music/mtt, gtzan, gs, emo: the same clips in the layouts of the four probe data sets
  $ ostinato synth --out music --hours 10 --seed 0 --format flac
`;

async function run({ out, hours, seed, sampleRate, format, json = false }: SynthFlags, signal: AbortSignal): Promise<void> {
  const { clipCount, clipSeconds, writeCorpus } = await import("../synth/corpus.ts");
  const began = Date.now();
  const progress = startProgress({ total: clipCount(hours), stream: process.stderr, quiet: json });
  const summary = await writeCorpus({
    out,
    hours,
    seed,
    sampleRateHz: sampleRate,
    format,
    signal,
    onClip: ({ status, line, path }) => {
      progress.advance(status === "skipped" ? { skipped: true } : { seconds: clipSeconds });
      if (json) printJson({ ...(JSON.parse(line) as object), file: path, status });
    },
  }).finally(() => progress.finish());
  const seconds = (Date.now() - began) / 1000;
  const pace =
    summary.written > 0 ? ` in ${seconds.toFixed(1)} s, ${((summary.written * clipSeconds) / seconds).toFixed(0)} s of audio a second` : "";
  note(
    `${summary.written} clips written${pace}${summary.skipped > 0 ? `; ${summary.skipped} skipped, already finished` : ""}. The corpus is ${out}.`,
  );
  if (signal.aborted) throw new InterruptedError("Interrupted.");
}

function parseHours(text: string): number {
  const hours = Number(text);
  if (text.trim() === "" || !(hours > 0) || !Number.isFinite(hours))
    throw new InvalidArgumentError("Allowed are hours, such as 10 or 0.5.");
  return hours;
}
