// Leaks: recordings that occur in two splits, as equal bytes or re-encoded. Validation on them measures memory.
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type FingerprintIndex, fingerprint, fingerprintSampleRateHz, indexFingerprints } from "../../audio/fingerprint.ts";
import { loadAudio } from "../../audio/load.node.ts";
import { runAhead } from "../../base/ahead.ts";
import { OstinatoError } from "../../base/errors.ts";
import { findDuplicates } from "./duplicates.ts";
import type { NamedManifest } from "./files.ts";
import { splitOf } from "./files.ts";

/** How much is compared: every clip, an even sample where there are many, or nothing. */
export type LeakSearch = "all" | "sample" | "none";
export const leakSearches = ["sample", "all", "none"] as const;

/** A recording that occurs in two splits. */
export interface Leak {
  /** Paths with their splits: "train: a.mp3". */
  readonly first: string;
  readonly second: string;
  /** Share of differing fingerprint bits; undefined for equal bytes. */
  readonly bitErrorRate?: number;
}

export interface LeakReport {
  readonly leaks: readonly Leak[];
  /** What was compared, in one line; undefined where there was nothing to compare. */
  readonly compared?: string;
}

interface SplitClip {
  readonly split: string;
  readonly path: string;
  readonly file: string;
  readonly samples: number;
  readonly seconds: number;
}

/** Clips whose bytes a sample compares at most, and hours of audio whose fingerprints it compares at most. */
const sampleClips = 50_000;
const sampleHours = 4;
/** Longer clips are compared by their beginning. */
const fingerprintSeconds = 600;

/** Finds recordings that occur in more than one split. Shards of a split (`train_0_6`) belong together; files that can't be read are ignored. */
export async function findLeaks(manifests: readonly NamedManifest[], how: LeakSearch = "sample"): Promise<LeakReport> {
  const clips = manifests.flatMap(({ name, manifest: { root, sampleRateHz, clips: own } }) =>
    own.map(({ path, samples }): SplitClip => {
      return { split: splitOf(name), path, file: join(root, path), samples, seconds: samples / sampleRateHz };
    }),
  );
  if (how === "none" || new Set(clips.map(({ split }) => split)).size < 2) return { leaks: [] };
  const equal = await equalBytes(how === "all" ? clips : sampled(clips, sampleClips / clips.length));
  const seen = new Set(equal.flatMap(({ first, second }) => [first, second]));
  const hours = clips.reduce((sum, { seconds }) => sum + Math.min(seconds, fingerprintSeconds), 0) / 3600;
  const heard = (how === "all" ? clips : sampled(clips, sampleHours / hours)).filter((clip) => !seen.has(nameOf(clip)));
  const share = heard.length + seen.size >= clips.length ? "all" : `${heard.length + seen.size} of`;
  const compared = `${share} ${clips.length} clips, for recordings that occur in two splits`;
  return { leaks: [...equal, ...(await equalSound(heard))], compared };
}

/** The clips of each split, the smallest split first. */
function clipsBySplit(clips: readonly SplitClip[]): SplitClip[][] {
  const groups = new Map<string, SplitClip[]>();
  for (const clip of clips) {
    const own = groups.get(clip.split);
    if (own) own.push(clip);
    else groups.set(clip.split, [clip]);
  }
  return [...groups.values()].sort((a, b) => a.length - b.length);
}

const nameOf = ({ split, path }: SplitClip): string => `${split}: ${path}`;

/** An even sample of each split; small splits are taken whole as far as the budget goes. */
function sampled(clips: readonly SplitClip[], share: number): readonly SplitClip[] {
  if (share >= 1) return clips;
  const splits = clipsBySplit(clips);
  let budget = share * clips.length;
  const kept: SplitClip[] = [];
  for (const [i, own] of splits.entries()) {
    const count = Math.max(1, Math.min(own.length, Math.floor(budget / (splits.length - i))));
    for (let n = 0; n < count; n++) kept.push(own[Math.floor((n * own.length) / count)]!);
    budget -= count;
  }
  return kept;
}

/** Clips that share a key with a clip of another split. */
function shared<Item extends { readonly split: string }>(items: readonly Item[], key: (item: Item) => number): Item[] {
  const splits = new Map<number, string | true>(); // true: of several splits
  for (const item of items) {
    const before = splits.get(key(item));
    splits.set(key(item), before === undefined || before === item.split ? item.split : true);
  }
  return items.filter((item) => splits.get(key(item)) === true);
}

async function equalBytes(clips: readonly SplitClip[]): Promise<Leak[]> {
  const sized: (SplitClip & { readonly bytes: number })[] = [];
  const sizeOf = async (clip: SplitClip) => ({ ...clip, bytes: (await stat(clip.file).catch(() => undefined))?.size ?? 0 });
  const equallyLong = shared(clips, ({ samples }) => samples);
  for await (const clip of runAhead(equallyLong, 15, sizeOf)) if (clip.bytes > 0) sized.push(clip);
  const candidates = shared(sized, ({ bytes }) => bytes);
  const byFile = new Map(candidates.map((clip) => [clip.file, clip]));
  const listed = [...new Set(byFile.keys())].map((file) => ({ path: file, bytes: byFile.get(file)!.bytes, modified: "" }));
  const duplicates = await findDuplicates("", listed, { jobs: availableParallelism() });
  const leaks: Leak[] = [];
  const firstOf = new Map<string, SplitClip>(); // by the original's file
  for (const clip of candidates) {
    const original = duplicates.get(clip.file) ?? clip.file;
    const first = firstOf.get(original);
    if (first === undefined) firstOf.set(original, clip);
    else if (first.split !== clip.split) leaks.push({ first: nameOf(first), second: nameOf(clip) });
  }
  return leaks;
}

/** Indexes the fingerprints of all splits but the largest, and looks up those of each split in the indices of the others. */
async function equalSound(clips: readonly SplitClip[]): Promise<Leak[]> {
  const splits = clipsBySplit(clips);
  const indexed: { own: SplitClip[]; index: FingerprintIndex }[] = [];
  const leaks: Leak[] = [];
  for (const [i, own] of splits.entries()) {
    const prints: Uint32Array[] = [];
    for await (const [clip, print] of runAhead(own, availableParallelism() - 1, async (each) => [each, await printOf(each)] as const)) {
      prints.push(print);
      for (const { own: others, index } of indexed) {
        const match = index.find(print);
        if (match) leaks.push({ first: nameOf(others[match.index]!), second: nameOf(clip), bitErrorRate: match.bitErrorRate });
      }
      if (i === splits.length - 1) prints.length = 0; // the largest split needs no index
    }
    if (i < splits.length - 1) indexed.push({ own, index: indexFingerprints(prints) });
  }
  return leaks;
}

/** A clip's fingerprint; one without words where it can't be read. */
async function printOf({ file }: SplitClip): Promise<Uint32Array> {
  try {
    const crop = { sampleRateHz: fingerprintSampleRateHz, startSeconds: 0, seconds: fingerprintSeconds };
    return fingerprint((await loadAudio(file, crop)).samples, fingerprintSampleRateHz);
  } catch (error) {
    const isSystemError = (error as NodeJS.ErrnoException).code !== undefined;
    if (error instanceof OstinatoError || isSystemError) return new Uint32Array(0);
    throw error;
  }
}
