// `ostinato prepare shards`: packs a prepared corpus into tar files of recordings and labels, for storage on which small files are slow.
import { Command, InvalidArgumentError } from "commander";
import { startProgress } from "../base/progress.ts";
import { parseCount, parseRate, parseSeed } from "./options.ts";
import { exitCodes, InterruptedError, interruptible, note, printJson } from "./outcome.ts";

interface ShardFlags {
  readonly out: string;
  readonly shardSize: number;
  readonly label?: string;
  readonly labels: boolean;
  readonly labelDir?: string;
  readonly sampleRate?: number;
  readonly labelRate?: number;
  readonly seed: number;
  readonly json?: boolean;
}

export function shardsCommand(): Command {
  return new Command("shards")
    .description("Pack a prepared corpus into tar files of recordings and labels, which load fast from remote storage.")
    .argument("<folder>", "prepared folder: train.tsv, valid.tsv and their labels")
    .requiredOption("--out <DIR>", "folder of the shards")
    .option("--shard-size <SIZE>", "a shard's size: 1GB, 500MB, or bytes", parseSize, 1e9)
    .option("--label <name>", "the labels to pack, where there are several")
    .option("--label-dir <DIR>", "folder of the labels, where they are not beside the manifests")
    .option("--label-rate <HZ>", "frames a second, of labels without a stamp", parseRate)
    .option("--no-labels", "pack the recordings alone")
    .option("--sample-rate <HZ>", "sample rate of the manifests' lengths, where there is no manifest.json", parseCount)
    .option("--seed <N>", "seed of the clips' order", parseSeed, 0)
    .option("--json", "print one JSON object a shard")
    .addHelpText("after", examples)
    .action((folder: string, flags: ShardFlags) => interruptible((signal) => run(folder, flags, signal)));
}

const examples = `
The corpus is checked first, as \`prepare check\` does, and one that is unfit for training is refused. Recordings are packed unchanged, in an order
that is shuffled once. Complete shards are kept, so a run that was interrupted resumes.

Examples:
  $ ostinato prepare shards corpus --out shards
      shards/train-00000.tar, train-00000.json (where each clip stands) …, train.shards.json
  $ ostinato prepare shards corpus --out shards --shard-size 500MB --label codec
  $ ostinato prepare shards manifests --label-dir labels --out shards --sample-rate 24000 --label-rate 75
`;

async function run(folder: string, flags: ShardFlags, signal: AbortSignal): Promise<void> {
  const { readManifests } = await import("../data/manifest/files.ts");
  const { chooseLabel, findLabels, openLabels } = await import("../data/labels/sets.ts");
  const { requirePreflight } = await import("../data/labels/preflight-folder.ts");
  const { writeShards } = await import("../data/shards/writer.ts");
  const { out, shardSize: shardBytes, label, labelDir = folder, labelRate: rateHz, sampleRate: sampleRateHz, seed, json = false } = flags;
  const manifests = await readManifests(folder, undefined, { sampleRateHz });
  const hasLabels =
    flags.labels && (label !== undefined || flags.labelDir !== undefined || (await findLabels(folder, manifests[0]!.name)).size > 0);
  const packed = hasLabels ? (await chooseLabel(labelDir, manifests[0]!.name, label)).label : undefined;
  await requirePreflight(folder, { label: packed, labels: hasLabels, labelFolder: labelDir, rateHz, sampleRateHz, leaks: "none" });
  const lost: string[] = [];
  for (const { name: split, manifest } of manifests) {
    const given = { sampleRateHz: manifest.sampleRateHz, ...(rateHz !== undefined && { rateHz }) };
    const labels = hasLabels ? await openLabels(labelDir, split, packed, given) : undefined;
    const progress = startProgress({ total: manifest.clips.length, stream: process.stderr, quiet: json });
    try {
      const { card, bad } = await writeShards({
        manifest,
        labels,
        out,
        split,
        shardBytes,
        seed,
        signal,
        onShard: ({ name, clips, bytes, skipped }) => {
          for (let i = 0; i < clips; i++) progress.advance({ skipped });
          if (json) printJson({ shard: name, split, clips, bytes, status: skipped ? "skipped" : "done" });
        },
      });
      const { length } = card.shards;
      const clips = card.shards.reduce((sum, shard) => sum + shard.clips, 0);
      const what = labels ? `with labels ${labels.label}` : "without labels";
      progress.finish();
      note(`${split}: ${clips} clips in ${length} ${length === 1 ? "shard" : "shards"}, ${what}.`);
      for (const { path, reason } of bad) note(`left out: ${path}: ${reason}`);
      lost.push(...bad.map(({ path }) => path));
    } catch (error) {
      if (signal.aborted) throw new InterruptedError("Interrupted.", { cause: error });
      throw error;
    } finally {
      progress.finish();
      labels?.close();
    }
  }
  if (lost.length > 0) process.exitCode = exitCodes.someFailed;
}

const units: Readonly<Record<string, number>> = { "": 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };

/** Bytes: 1GB, 500 MB, 1.5GiB or a plain number. */
export function parseSize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(number) * (units[unit?.toLowerCase() ?? ""] ?? Number.NaN));
  if (!(bytes > 0)) throw new InvalidArgumentError("Allowed are sizes such as 1GB, 500MB or 1000000 (bytes).");
  return bytes;
}
