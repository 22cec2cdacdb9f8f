// A corpus on disk: clips made by workers, each file whole or absent, so that a run that was killed goes on where it stopped; then the labels
// as JSON lines and in the layouts of the four probe data sets, whose sound files are further names (hard links) of the clips.
import { createHash } from "node:crypto";
import { copyFile, link, mkdir, readFile, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { runAhead } from "../base/ahead.ts";
import { inClaimedFolder } from "../base/claim.node.ts";
import { ConfigError } from "../base/errors.ts";
import { type Guard, temporaryPath, writeAtomic } from "../base/files.node.ts";
import { workerPool, workerUrl } from "../base/worker-pool.node.ts";
import { synthVersion } from "./clip.ts";
import type { ClipDone, ClipJob, CorpusFormat } from "./corpus-job.ts";
import { checkFlacEncoder } from "./flac.ts";
import { type ClipFacts, layoutsOf, type Sha1Remainder } from "./layouts.ts";

export const clipSeconds = 30;

export interface CorpusOptions {
  readonly out: string;
  readonly hours: number;
  readonly seed: number;
  /** Default 24 000. */
  readonly sampleRateHz?: number;
  /** Default "wav": 16 bits, stereo. */
  readonly format?: CorpusFormat;
  /** Seconds a clip; default 30. */
  readonly seconds?: number;
  /** Threads; default all cores. */
  readonly workers?: number;
  /** Stops after the clips in hand. */
  readonly signal?: AbortSignal | undefined;
  readonly onClip?: (clip: ClipDone) => void;
}

export interface CorpusSummary {
  readonly clips: number;
  readonly written: number;
  readonly skipped: number;
  /** False when it was stopped; run it again to go on. */
  readonly complete: boolean;
}

/** Clips of a corpus of so many hours. */
export function clipCount(hours: number, seconds = clipSeconds): number {
  return Math.max(1, Math.round((hours * 3600) / seconds));
}

/** Makes a corpus, or what is missing of it; more hours of the same seed add clips behind those that are there.
 *  @throws ConfigError when `out` holds another corpus or another run is at work in it, or there is no encoder for the format. */
export async function writeCorpus(options: CorpusOptions): Promise<CorpusSummary> {
  checkOptions(options);
  if (options.format === "flac") await checkFlacEncoder();
  return inClaimedFolder(options.out, (guard) => writeClips(options, guard), options);
}

async function writeClips(options: CorpusOptions, guard: Guard): Promise<CorpusSummary> {
  const { out, hours, seed, sampleRateHz = 24_000, format = "wav", seconds = clipSeconds, signal } = options;
  const card = { generator: "ostinato synth", version: synthVersion, seed, seconds, sampleRateHz, format };
  await checkCard(out, card);
  const clips = clipCount(hours, seconds);
  const workers = Math.min(options.workers ?? availableParallelism(), clips);
  const pool = workerPool<ClipJob, ClipDone>({ url: workerUrl(import.meta.url, "../synth/synth-worker.js"), size: workers });
  const count = { done: 0, skipped: 0 };
  const facts: ClipFacts[] = [];
  const run = (index: number) => pool.run({ seed, index, seconds, sampleRateHz, format, path: join(out, soundPath(idOf(index), format)) });
  async function* lines() {
    for await (const clip of runAhead(
      Array.from({ length: clips }, (_, index) => index),
      3 * workers - 1,
      run,
      { signal },
    )) {
      count[clip.status]++;
      facts.push(clip.facts);
      options.onClip?.(clip);
      yield new TextEncoder().encode(`${clip.line}\n`);
    }
  }
  try {
    await writeAtomic(join(out, "clips.jsonl"), lines(), { guard });
  } finally {
    await pool.close();
  }
  const complete = facts.length === clips;
  if (complete) {
    await writeLayouts(out, facts, { extension: format, seed });
    await writeAtomic(join(out, "synth.json"), `${JSON.stringify({ ...card, clips, hours: (clips * seconds) / 3600 }, null, 2)}\n`, {
      guard,
    });
  }
  return { clips, written: count.done, skipped: count.skipped, complete };
}

function checkOptions({ hours, seed, sampleRateHz = 24_000, seconds = clipSeconds }: CorpusOptions): void {
  const wrong = (what: string) => new ConfigError(`${what}. Example: hours 1, seed 0, sample rate 24000.`);
  if (!(hours > 0) || !Number.isFinite(hours)) throw wrong(`hours is ${hours}: it must be above 0`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw wrong(`seed is ${seed}: it must be a whole number from 0`);
  if (!Number.isInteger(sampleRateHz) || sampleRateHz < 8000 || sampleRateHz > 192_000)
    throw wrong(`sample rate is ${sampleRateHz}: it must be 8000 to 192000 Hz`);
  if (!(seconds >= 1 && seconds <= 600)) throw wrong(`seconds is ${seconds}: a clip lasts 1 to 600 s`);
}

function idOf(index: number): string {
  return String(index).padStart(6, "0");
}

/** Path of a clip in its corpus: a folder a thousand. */
export function soundPath(id: string, format: CorpusFormat): string {
  return `audio/${id.slice(0, -3)}/${id}.${format}`;
}

/** Takes a folder for a corpus: an empty one, or one begun with the same settings. */
async function checkCard(out: string, card: Record<string, unknown>): Promise<void> {
  await mkdir(join(out, "audio"), { recursive: true });
  const path = join(out, "synth.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text !== undefined) {
    const found = JSON.parse(text) as Record<string, unknown>;
    const differing = Object.keys(card).filter((key) => found[key] !== card[key]);
    if (differing.length > 0) {
      const list = differing.map((key) => `${key} ${found[key]} (asked for: ${card[key]})`).join(", ");
      throw new ConfigError(`${out} holds another corpus: ${list}. Choose another --out, or ask for what it holds.`);
    }
  } else await writeAtomic(path, `${JSON.stringify(card, null, 2)}\n`);
}

const sha1Remainder: Sha1Remainder = (text, divisor) => {
  const digest = createHash("sha1").update(text).digest("hex");
  return Number(BigInt(`0x${digest}`) % BigInt(divisor));
};

async function writeLayouts(
  out: string,
  facts: readonly ClipFacts[],
  { extension, seed }: { extension: CorpusFormat; seed: number },
): Promise<void> {
  const { files, links, metadata } = layoutsOf(facts, { extension, seed, sha1: sha1Remainder });
  for (const [path, text] of files) await writeAtomic(join(out, path), text);
  for (const [path, value] of metadata) await writeAtomic(join(out, path), gzipSync(JSON.stringify(value), { level: 9 }));
  const folders = new Set([...links.keys()].map((path) => dirname(path)));
  for (const folder of folders) await mkdir(join(out, folder), { recursive: true });
  for (const [path, id] of links) await nameAgain(join(out, soundPath(id, extension)), join(out, path));
}

/** Another name for a file; a copy where the file system knows no links. */
async function nameAgain(from: string, to: string): Promise<void> {
  await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return;
    const temporary = temporaryPath(to);
    await copyFile(from, temporary);
    await rename(temporary, to);
  });
}
