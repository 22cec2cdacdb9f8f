// `ostinato prepare shards`: a prepared corpus as tar files of recordings and labels, for storage on which small files are slow.
import { Command, InvalidArgumentError } from "commander";
import { startProgress } from "../base/progress.ts";
import { parseSeed } from "./options.ts";
import { exitCodes, InterruptedError, interruptible, note, printJson } from "./outcome.ts";

interface ShardFlags {
  readonly out: string;
  readonly shardSize: number;
  readonly label?: string;
  readonly labels: boolean;
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
    .option("--no-labels", "pack the recordings alone")
    .option("--seed <N>", "draws the order of the clips", parseSeed, 0)
    .option("--json", "print one JSON object a shard")
    .addHelpText("after", examples)
    .action((folder: string, flags: ShardFlags) => interruptible((signal) => run(folder, flags, signal)));
}

const examples = `
Recordings are packed as they are, in an order shuffled once. A shard that is there is kept, so a run that was interrupted goes on.

Examples:
  $ ostinato prepare shards corpus --out shards
      shards/train-00000.tar, train-00000.json (where each clip stands) …, train.shards.json
  $ ostinato prepare shards corpus --out shards --shard-size 500MB --label codec
`;

async function run(folder: string, flags: ShardFlags, signal: AbortSignal): Promise<void> {
  const { readManifests } = await import("../data/manifest/files.ts");
  const { findLabels, openLabels } = await import("../data/labels/sets.ts");
  const { writeShards } = await import("../data/shards/writer.ts");
  const { out, shardSize: shardBytes, label, seed, json = false } = flags;
  const lost: string[] = [];
  for (const { name: split, manifest } of await readManifests(folder)) {
    const wanted = flags.labels && (label !== undefined || (await findLabels(folder, split)).size > 0);
    const labels = wanted ? await openLabels(folder, split, label) : undefined;
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
