// `ostinato synth`: generates labelled music, as plain clips and in the layouts of the four probe data sets.
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
    .requiredOption("--hours <H>", "hours of music: songs of 36 to 150 s, cut into clips of 30 s", parseHours)
    .requiredOption("--seed <N>", "integer from 0: the same seed gives the same bytes", parseSeed)
    .option("--sample-rate <HZ>", "sample rate", parseCount, 24_000)
    .addOption(new Option("--format <format>", "flac needs the ffmpeg program").choices(["wav", "flac"]).default("wav"))
    .option("--json", "print one JSON object a clip: its label and file")
    .addHelpText("after", examples)
    .action((flags: SynthFlags) => interruptible((signal) => run(flags, signal)));
}

const examples = `
Songs that exist are skipped: an interrupted run continues where it stopped, and a larger --hours adds songs to the same corpus.

Examples:
  $ ostinato synth --out music --hours 1 --seed 0
      music/audio: the clips; music/clips.jsonl and songs.jsonl: labels; music/mtt, gtzan, gs, emo: the layouts of the four probe data sets
  $ ostinato synth --out music --hours 10 --seed 0 --format flac
`;

async function run({ out, hours, seed, sampleRate, format, json = false }: SynthFlags, signal: AbortSignal): Promise<void> {
  const { planCorpus, writeCorpus } = await import("../synth/corpus.ts");
  const began = Date.now();
  const progress = startProgress({ total: planCorpus({ hours, seed }).clips, stream: process.stderr, quiet: json });
  let musicSeconds = 0;
  const summary = await writeCorpus({
    out,
    hours,
    seed,
    sampleRateHz: sampleRate,
    format,
    signal,
    onSong: ({ status, clips }) => {
      for (const clip of clips) {
        progress.advance(status === "skipped" ? { skipped: true } : { seconds: clip.seconds });
        if (status === "done") musicSeconds += clip.seconds;
        if (json) printJson({ ...(JSON.parse(clip.line) as object), file: clip.path, status });
      }
    },
  }).finally(() => progress.finish());
  const seconds = (Date.now() - began) / 1000;
  const pace = summary.written > 0 ? ` in ${seconds.toFixed(1)} s, ${(musicSeconds / seconds).toFixed(0)} s of audio a second` : "";
  const skipped = summary.skipped > 0 ? `; ${summary.skipped} skipped because they exist` : "";
  note(`${summary.written} clips written${pace}${skipped}. The corpus is ${out}.`);
  if (signal.aborted) throw new InterruptedError("Interrupted.");
}

function parseHours(text: string): number {
  const hours = Number(text);
  if (text.trim() === "" || !(hours > 0) || !Number.isFinite(hours))
    throw new InvalidArgumentError("Allowed are hours, such as 10 or 0.5.");
  return hours;
}
