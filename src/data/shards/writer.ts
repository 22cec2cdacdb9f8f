// Shard writer: packs a manifest's recordings and labels into tar files of about equal size, in an order that is shuffled once.
import { readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { inClaimedFolder } from "../../base/claim.node.ts";
import { ConfigError, messageOf, NotFoundError } from "../../base/errors.ts";
import { fileSource, type Guard, writeAtomic } from "../../base/files.node.ts";
import { shuffle } from "../../base/random.ts";
import { npyBytes } from "../../formats/npy.ts";
import { type TarInput, tarBytes, tarChunks } from "../../formats/tar.ts";
import type { BadClip } from "../batches/batch.ts";
import { drawsFor } from "../batches/draws.ts";
import type { LabelSet } from "../labels/label-set.ts";
import { isManifestHash } from "../manifest/files.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { indexShard, parseIndex, type ShardCard, type ShardIndex } from "./shards.ts";

/** The content of shards and where they are written. */
export interface WriteShardsOptions {
  readonly manifest: Manifest;
  readonly labels?: LabelSet | undefined;
  readonly out: string;
  readonly split: string;
  /** Largest size of a shard, unless a single recording is larger; default 1e9. */
  readonly shardBytes?: number | undefined;
  /** Seed of the clips' order; default 0. */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onShard?: (shard: { name: string; clips: number; bytes: number; skipped: boolean }) => void;
}

/** The shards that were written, and the recordings that could not be. */
export interface WrittenShards {
  readonly card: ShardCard;
  /** Recordings that could not be found; they are in no shard. */
  readonly bad: readonly BadClip[];
}

/** Writes `<split>-00000.tar` … with an index beside each, and `<split>.shards.json` last: once it exists, all shards are complete. An existing
 *  shard with the right content is kept, so that a stopped run resumes.
 *  @throws ConfigError when the labels are not of this manifest, the folder holds other shards or another run writes to it; OutputRemovedError
 *  when the folder is removed meanwhile; the signal's reason. */
export async function writeShards(options: WriteShardsOptions): Promise<WrittenShards> {
  return inClaimedFolder(options.out, (guard) => writeAll(options, guard), { sweep: ["."], signal: options.signal });
}

async function writeAll(options: WriteShardsOptions, guard: Guard): Promise<WrittenShards> {
  const { manifest, labels, out, split, shardBytes = 1e9, seed = 0, signal, onShard = () => {} } = options;
  if (labels?.stamp.manifestHash && !isManifestHash(labels.stamp.manifestHash, manifest)) {
    throw new ConfigError(
      `The labels were made for other clips, or another order of clips, than the manifest of ${split} lists. Label this manifest, or restore the one that was labelled.`,
    );
  }
  if (labels !== undefined && (labels.clips !== manifest.clips.length || labels.stamp.sampleRateHz !== manifest.sampleRateHz)) {
    throw new ConfigError(
      `The labels are of ${labels.clips} clips at ${labels.stamp.sampleRateHz} Hz, the manifest has ${manifest.clips.length} at ${manifest.sampleRateHz} Hz. Label this manifest.`,
    );
  }
  const bad: BadClip[] = [];
  const shards: ShardCard["shards"] = [];
  const order = shuffle(
    drawsFor(seed, "segments"),
    Int32Array.from(manifest.clips, (_, clip) => clip),
  );
  let held: Member[] = [];
  let heldBytes = 0;

  const finish = async () => {
    if (held.length === 0) return;
    const name = `${split}-${String(shards.length).padStart(5, "0")}.tar`;
    const { skipped, index } = await writeShard(join(out, name), held, guard);
    const seconds = index.clips.reduce((sum, { samples }) => sum + samples, 0) / manifest.sampleRateHz;
    shards.push({ name, bytes: index.bytes, clips: index.clips.length, seconds: Math.round(seconds * 100) / 100 });
    onShard({ name, clips: index.clips.length, bytes: index.bytes, skipped });
    held = [];
    heldBytes = 0;
  };

  for (const clip of order) {
    signal?.throwIfAborted();
    const { path, samples } = manifest.clips[clip]!;
    const file = join(manifest.root, path);
    const size = await stat(file).then(
      (kept) => kept.size,
      (error: unknown) => {
        bad.push({ clip, path, reason: messageOf(error) });
      },
    );
    if (size === undefined) continue;
    const inputs = membersOf({ clip, path, samples }, file, size, labels);
    const bytes = inputs.reduce((sum, input) => sum + tarBytes(input.name, input.bytes), 0);
    if (heldBytes + bytes + 1024 > shardBytes) await finish();
    held.push({ clip, inputs });
    heldBytes += bytes;
  }
  await finish();
  if (shards.length === 0) {
    throw new NotFoundError(
      `None of the ${bad.length} recordings exists in ${manifest.root}. Correct the root in the first line of the manifest.`,
    );
  }
  const card: ShardCard = { split, sampleRateHz: manifest.sampleRateHz, labels: labels?.stamp ?? null, shards };
  await writeAtomic(join(out, `${split}.shards.json`), `${JSON.stringify(card, null, 1)}\n`, { guard });
  return { card, bad };
}

interface Member {
  readonly clip: number;
  readonly inputs: readonly TarInput[];
}

function membersOf(
  facts: { clip: number; path: string; samples: number },
  file: string,
  bytes: number,
  labels: LabelSet | undefined,
): TarInput[] {
  const key = String(facts.clip).padStart(8, "0");
  const json = new TextEncoder().encode(JSON.stringify(facts));
  const extension = /^\.[a-z0-9]+$/.exec(extname(facts.path).toLowerCase())?.[0] ?? ".audio";
  const members: TarInput[] = [
    { name: `${key}.json`, bytes: json.length, read: () => Promise.resolve(json) },
    { name: `${key}${extension === ".json" || extension === ".npy" ? ".audio" : extension}`, bytes, read: () => readFile(file) },
  ];
  if (labels === undefined) return members;
  const frames = labels.frames(facts.clip);
  const [codebooks, width] = [labels.stamp.codebooks, labels.stamp.codebookSize <= 2 ** 15 ? 2 : 4];
  const header = 128; // bytes of an npy header, whatever the shape
  const read = async () => {
    const codes = labels.read(facts.clip, 0, frames);
    const values = width === 2 ? Int16Array.from(codes) : codes;
    return npyBytes({
      dtype: width === 2 ? "int16" : "int32",
      shape: [codebooks, frames],
      bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    });
  };
  return [...members, { name: `${key}.npy`, bytes: header + codebooks * frames * width, read }];
}

/** Writes a shard, and its index from the tar headers; keeps a shard that holds these clips already. */
async function writeShard(path: string, members: readonly Member[], guard: Guard): Promise<{ skipped: boolean; index: ShardIndex }> {
  const indexPath = path.replace(/\.tar$/, ".json");
  const kept = await keptIndex(path, indexPath);
  if (kept !== undefined) {
    const same = kept.clips.length === members.length && kept.clips.every(({ clip }, i) => clip === members[i]!.clip);
    if (!same) throw new ConfigError(`${path} exists and holds other clips. Write to another folder, or remove it.`);
    return { skipped: true, index: kept };
  }
  await writeAtomic(path, tarChunks(members.flatMap(({ inputs }) => inputs)), { guard });
  const source = await fileSource(path);
  try {
    const index = await indexShard(source);
    await writeAtomic(indexPath, `${JSON.stringify(index)}\n`, { guard });
    return { skipped: false, index };
  } finally {
    await source.close();
  }
}

/** The index of a complete shard of an earlier run. */
async function keptIndex(path: string, indexPath: string): Promise<ShardIndex | undefined> {
  const text = await readFile(indexPath, "utf8").catch(() => undefined);
  const size = await stat(path).then(
    (kept) => kept.size,
    () => undefined,
  );
  if (text === undefined || size === undefined) return undefined;
  const index = parseIndex(text, indexPath);
  return index.bytes === size ? index : undefined;
}
