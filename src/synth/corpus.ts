// A corpus on disk: songs made by workers, each file written atomically, so that an interrupted run continues where it stopped; then the labels
// as JSON lines and in the layouts of the four probe data sets.
import { copyFile, link, mkdir, readFile, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { runAhead } from "../base/ahead.ts";
import { inClaimedFolder } from "../base/claim.node.ts";
import { ConfigError } from "../base/errors.ts";
import { type Guard, temporaryPath, writeAtomic } from "../base/files.node.ts";
import { workerPool, workerUrl } from "../base/worker-pool.node.ts";
import { type CorpusFormat, clipPath, type SongDone, type SongJob } from "./corpus-job.ts";
import { checkFlacEncoder } from "./flac.ts";
import { layoutsOf } from "./layouts.ts";
import { clipSpans, songSeconds, synthVersion } from "./song.ts";
import type { SongFacts } from "./song-facts.ts";

export const defaultClipSeconds = 30;

export interface CorpusOptions {
  readonly out: string;
  /** Whole songs are made until their clips last so long. */
  readonly hours: number;
  readonly seed: number;
  /** Default 24 000. */
  readonly sampleRateHz?: number;
  /** Default "wav": 16 bits, stereo. */
  readonly format?: CorpusFormat;
  /** Length of a clip; default 30. Songs last 1.2 to 5 clips. */
  readonly clipSeconds?: number;
  /** Number of threads; default all cores. */
  readonly workers?: number;
  /** Stops the run after the songs in progress. */
  readonly signal?: AbortSignal | undefined;
  readonly onSong?: (song: SongDone) => void;
}

export interface CorpusSummary {
  readonly songs: number;
  readonly clips: number;
  /** Clips of the songs that were rendered, and of those that existed. */
  readonly written: number;
  readonly skipped: number;
  /** False when the run was stopped; run it again to continue. */
  readonly complete: boolean;
}

export interface PlannedCorpus {
  /** The number of each song's first clip. */
  readonly firstClips: readonly number[];
  readonly clips: number;
  /** Of all clips. */
  readonly seconds: number;
}

/** The songs of a corpus: as many as it takes for their clips to last `hours`, at least one. */
export function planCorpus({
  hours,
  seed,
  clipSeconds = defaultClipSeconds,
}: Pick<CorpusOptions, "hours" | "seed" | "clipSeconds">): PlannedCorpus {
  const firstClips: number[] = [];
  let [clips, seconds] = [0, 0];
  do {
    const spans = clipSpans(songSeconds({ seed, song: firstClips.length, clipSeconds }), clipSeconds);
    firstClips.push(clips);
    clips += spans.length;
    seconds += spans.reduce((sum, span) => sum + span.seconds, 0);
  } while (seconds < hours * 3600 - 1e-6);
  return { firstClips, clips, seconds };
}

/** Makes a corpus, or what is missing of it. More hours of the same seed add songs after the existing ones.
 *  @throws ConfigError when `out` holds another corpus, another run is writing to it, or ffmpeg is missing for FLAC. */
export async function writeCorpus(options: CorpusOptions): Promise<CorpusSummary> {
  checkOptions(options);
  if (options.format === "flac") await checkFlacEncoder();
  return inClaimedFolder(options.out, (guard) => writeSongs(options, guard), options);
}

async function writeSongs(options: CorpusOptions, guard: Guard): Promise<CorpusSummary> {
  const { out, seed, sampleRateHz = 24_000, format = "wav", clipSeconds = defaultClipSeconds, signal } = options;
  const card = { generator: "ostinato synth", version: synthVersion, seed, clipSeconds, sampleRateHz, format };
  await checkCard(out, card);
  const plan = planCorpus(options);
  const size = Math.min(options.workers ?? availableParallelism(), plan.firstClips.length);
  const pool = workerPool<SongJob, SongDone>({ url: workerUrl(import.meta.url, "../synth/synth-worker.js"), size });
  const clips = { done: 0, skipped: 0 };
  const facts: SongFacts[] = [];
  const songLines: string[] = [];
  const start = (firstClip: number, song: number) => pool.run({ seed, song, clipSeconds, sampleRateHz, out, format, firstClip });
  async function* clipLines() {
    const songs = plan.firstClips.map((firstClip, song) => [firstClip, song] as const);
    for await (const done of runAhead(songs, 3 * size - 1, ([firstClip, song]) => start(firstClip, song), { signal })) {
      clips[done.status] += done.clips.length;
      facts.push(done.facts);
      songLines.push(`${done.line}\n`);
      options.onSong?.(done);
      yield new TextEncoder().encode(done.clips.map(({ line }) => `${line}\n`).join(""));
    }
  }
  try {
    await writeAtomic(join(out, "clips.jsonl"), clipLines(), { guard });
    await writeAtomic(join(out, "songs.jsonl"), songLines.join(""), { guard });
  } finally {
    await pool.close();
  }
  const complete = facts.length === plan.firstClips.length;
  if (complete) {
    await writeLayouts(out, facts, { extension: format, clipSeconds });
    const made = { ...card, songs: facts.length, clips: plan.clips, hours: plan.seconds / 3600 };
    await writeAtomic(join(out, "synth.json"), `${JSON.stringify(made, null, 2)}\n`, { guard });
  }
  return { songs: facts.length, clips: clips.done + clips.skipped, written: clips.done, skipped: clips.skipped, complete };
}

function checkOptions({ hours, seed, sampleRateHz = 24_000, clipSeconds = defaultClipSeconds }: CorpusOptions): void {
  const wrong = (what: string) => new ConfigError(`${what}. Example: hours 1, seed 0, sample rate 24000.`);
  if (!(hours > 0) || !Number.isFinite(hours)) throw wrong(`hours is ${hours}: it must be above 0`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw wrong(`seed is ${seed}: it must be a whole number from 0`);
  if (!Number.isInteger(sampleRateHz) || sampleRateHz < 8000 || sampleRateHz > 192_000)
    throw wrong(`sample rate is ${sampleRateHz}: it must be 8000 to 192000 Hz`);
  if (!Number.isInteger(clipSeconds) || clipSeconds < 1 || clipSeconds > 600)
    throw wrong(`clipSeconds is ${clipSeconds}: a clip lasts 1 to 600 whole seconds`);
}

/** Prepares a folder for a corpus: a new one, or one begun with the same settings. */
async function checkCard(out: string, card: Record<string, unknown>): Promise<void> {
  await mkdir(join(out, "audio"), { recursive: true });
  const path = join(out, "synth.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text !== undefined) {
    const other = JSON.parse(text) as Record<string, unknown>;
    const differing = Object.keys(card).filter((key) => other[key] !== card[key]);
    if (differing.length > 0) {
      const list = differing.map((key) => `${key} ${other[key]} (asked for: ${card[key]})`).join(", ");
      throw new ConfigError(`${out} holds another corpus: ${list}. Choose another --out, or ask for what it holds.`);
    }
  } else await writeAtomic(path, `${JSON.stringify(card, null, 2)}\n`);
}

async function writeLayouts(
  out: string,
  facts: readonly SongFacts[],
  options: { extension: CorpusFormat; clipSeconds: number },
): Promise<void> {
  const { files, links, metadata } = layoutsOf(facts, options);
  for (const [path, text] of files) await writeAtomic(join(out, path), text);
  for (const [path, value] of metadata) await writeAtomic(join(out, path), gzipSync(JSON.stringify(value), { level: 9 }));
  const folders = new Set([...links.keys()].map((path) => dirname(path)));
  for (const folder of folders) await mkdir(join(out, folder), { recursive: true });
  for (const [path, id] of links) await linkFile(join(out, clipPath(id, options.extension)), join(out, path));
}

/** Makes a hard link, or a copy where the file system has no links. */
async function linkFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return;
    const temporary = temporaryPath(to);
    await copyFile(from, temporary);
    await rename(temporary, to);
  });
}
