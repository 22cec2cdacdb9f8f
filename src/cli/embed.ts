// `ostinato embed`: writes embeddings of files, folders and globs with the library's own functions.
import { Command, Option } from "commander";
import { ConfigError } from "../base/errors.ts";
import { startProgress } from "../base/progress.ts";
import type { CorpusFile } from "../embed/embed-files.ts";
import type { FileResult } from "../embed/report.ts";
import type { StoreFormat } from "../embed/stores/index.ts";
import type { LayerChoice } from "../inference/encoder.ts";
import type { LoadedModel } from "../inference/load.node.ts";
import type { LayerAverage, Pooling } from "../inference/pooling.ts";
import { embedSummary } from "./embed-summary.ts";
import { type ModelFlags, openModel, withEngineOptions, withHubOptions } from "./open-model.ts";
import { parseCount, parseEmbedLayers, parseLayerWeights, parseSeconds } from "./options.ts";
import { exitCodes, InterruptedError, interruptible, note, printJson } from "./outcome.ts";

interface EmbedFlags extends ModelFlags {
  readonly model: string;
  readonly layers: LayerChoice | "recommended";
  readonly pooling: Pooling;
  readonly layerWeights?: LayerAverage;
  readonly l2?: boolean;
  readonly window?: number;
  readonly overlap?: number;
  readonly batchSize: number;
  readonly format: StoreFormat;
  readonly out: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

export function embedCommand(): Command {
  const command = new Command("embed")
    .description("Embed audio: the hidden states of every layer, or a pooled form of them.")
    .argument("<inputs...>", "audio files, folders, globs, or - for a file on stdin")
    .requiredOption("--model <name|folder>", "a registered name (see `ostinato models`), a name on the hub, or a folder");
  withEngineOptions(withHubOptions(command))
    .option(
      "--layers <layers>",
      "all, last, recommended (one vector), or numbers such as 0,6,12 (0: before layer 1)",
      parseEmbedLayers,
      "all",
    )
    .addOption(
      new Option("--pooling <pooling>", "none: every frame; mean: over time; weighted: mean, then averaged over layers")
        .choices(["none", "mean", "weighted"])
        .default("none"),
    )
    .option("--layer-weights <weights>", "for --pooling weighted: numbers, or a JSON file (default: equal weights)", parseLayerWeights)
    .option("--l2", "scale each vector to length 1")
    .option("--window <S>", "length of the window that attention sees (default: files up to 2 minutes whole, else 30)", parseSeconds)
    .option("--overlap <S>", "overlap of neighbouring windows (default with --window: 0, else 5)", parseSeconds)
    .option("--batch-size <N>", "files (or windows) computed together", parseCount, 1)
    .addOption(
      new Option("--format <format>", "npy, npz: one file for each input; parquet, jsonl: one table")
        .choices(["npy", "npz", "parquet", "jsonl"])
        .default("npy"),
    )
    .requiredOption("--out <DIR>", "folder of the outputs")
    .option("--overwrite", "replace existing outputs")
    .option("--json", "print one JSON object for each file")
    .addHelpText("after", examples)
    .action((inputs: string[], flags: EmbedFlags) => interruptible((signal) => run(inputs, flags, signal)));
  return command;
}

const examples = `
Finished outputs are skipped, so an interrupted run continues where it stopped.

Examples:
  $ ostinato embed song.mp3 --model MERT-v1-95M --out embeddings
      embeddings/song.npy: float32 [13, frames, 768], and embeddings/song.json: its provenance
  $ ostinato embed music/ --model MERT-v1-330M --layers 6,12 --pooling mean --out embeddings --format parquet
  $ ostinato embed music/ --model MERT-v1-95M --layers recommended --pooling mean --out vectors
      one vector of length 1 for each file
  $ ostinato embed "sets/**/*.flac" --model music2vec-v1 --window 30 --overlap 2 --out embeddings
  $ ffmpeg -i video.mkv -f wav - | ostinato embed - --model MERT-v1-95M --out embeddings
`;

async function run(inputs: readonly string[], flags: EmbedFlags, signal: AbortSignal): Promise<void> {
  const corpus = await corpusOf(inputs);
  const model = await openModel(flags.model, flags, signal);
  try {
    if (flags.pooling === "weighted" && !flags.layerWeights) note("note: no --layer-weights given, so all layers have equal weight");
    if (flags.layers === "recommended") note((await import("../embed/recommend.ts")).recommendedLayers(model).reason);
    const failed = await embedAll(model, corpus, flags, signal);
    if (failed > 0) process.exitCode = exitCodes.someFailed;
    if (signal.aborted) throw new InterruptedError("Interrupted.");
  } finally {
    await model.dispose();
  }
}

/** Embeds a corpus with progress on stderr; `ostinato demo` uses it too. Returns the number of files that failed. */
export async function embedAll(
  model: LoadedModel,
  corpus: readonly CorpusFile[],
  flags: Partial<EmbedFlags> & Pick<EmbedFlags, "out">,
  signal?: AbortSignal,
  onResult: (result: FileResult) => void = () => {},
): Promise<number> {
  const { embedFiles } = await import("../embed/embed-files.ts");
  const { layers, pooling, l2, batchSize, format, out, overwrite, json } = flags;
  const progress = startProgress({ total: corpus.length, stream: process.stderr, quiet: json === true });
  const summary = embedSummary(model.model.sampleRateHz);
  const began = Date.now();
  const run = embedFiles(model, corpus, {
    ...{ layers, pooling, l2, batchSize, format, out, overwrite, signal },
    weights: flags.layerWeights,
    windowSeconds: flags.window,
    overlapSeconds: flags.overlap,
  });
  for await (const result of run) {
    summary.add(result);
    onResult(result);
    if (json) printJson(asJson(result));
    for (const mend of result.provenance?.source.mends ?? []) progress.note(`note: ${result.file}: ${mend}`);
    if (result.error) progress.note(`failed: ${named(result.file, result.error.message)}`);
    else if (result.output && corpus.length <= 20) progress.note(`${result.file} → ${result.output} [${result.shape?.join(", ")}]`);
    progress.advance({ failed: result.status === "failed", skipped: result.status === "skipped", seconds: result.seconds ?? 0 });
  }
  progress.finish();
  for (const line of summary.lines({ total: corpus.length, seconds: (Date.now() - began) / 1000, out })) note(line);
  return summary.failed();
}

/** @throws ConfigError when "-" is given and stdin is a terminal. */
async function corpusOf(inputs: readonly string[]): Promise<readonly CorpusFile[]> {
  const { planCorpus } = await import("../embed/embed-files.ts");
  if (!inputs.includes("-")) return planCorpus(inputs);
  if (inputs.length > 1) throw new ConfigError("- means a file on stdin and can't be combined with other files.");
  if (process.stdin.isTTY) throw new ConfigError("- reads a file from stdin, but stdin is a terminal. Try: ostinato embed - … < song.mp3");
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return [{ file: "-", name: "stdin", audio: { bytes: new Uint8Array(Buffer.concat(chunks)), name: "stdin" } }];
}

/** The message, preceded by the file's name unless it has it already. */
function named(file: string, message: string): string {
  return message.includes(file) ? message : `${file}: ${message}`;
}

function asJson({ error, provenance, ...rest }: FileResult): Record<string, unknown> {
  const mends = provenance?.source.mends ?? [];
  return {
    ...rest,
    ...(provenance && { sampleRateHz: provenance.source.sampleRateHz }),
    ...(mends.length > 0 && { mends }),
    ...(error && { error: error.message, kind: error.name, ...("fault" in error && { fault: error.fault }) }),
  };
}
