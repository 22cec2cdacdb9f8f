// Synth worker: plans a song and, unless all of its files exist, renders it and writes the clips, and the two files of the layouts that are no
// clips: the whole song (GiantSteps) and the first 45 s (EmoMusic).
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodeWav } from "../audio/wav.ts";
import type { Waveform } from "../audio/waveform.ts";
import { writeAtomic } from "../base/files.node.ts";
import { serveJobs } from "../base/worker-pool.node.ts";
import { clipPath, type SongDone, type SongJob } from "./corpus-job.ts";
import { encodeFlac } from "./flac.ts";
import { emotionPath, keyPath } from "./layouts.ts";
import { emotionSeconds, idOf, planSong } from "./song.ts";
import { factsOf } from "./song-facts.ts";

interface Cut {
  readonly path: string;
  readonly startSeconds: number;
  readonly seconds: number;
}

serveJobs<SongJob, SongDone>(async (job) => {
  const song = planSong(job);
  const clips = song.clips(job.firstClip).map((label) => ({ ...label, path: join(job.out, clipPath(label.id, job.format)) }));
  const facts = factsOf(song, job);
  const cuts: Cut[] = [
    ...clips,
    { path: join(job.out, keyPath(facts, job.format)), startSeconds: 0, seconds: song.seconds },
    { path: join(job.out, emotionPath(facts, job.format)), startSeconds: 0, seconds: emotionSeconds(song.seconds, job.clipSeconds) },
  ];
  const missing: Cut[] = [];
  for (const cut of cuts) if (!(await isFinished(cut, job))) missing.push(cut);
  if (missing.length > 0) {
    const waveform = song.render();
    for (const cut of missing) await write(cut, waveform, job);
  }
  const value: SongDone = {
    status: missing.length > 0 ? "done" : "skipped",
    facts,
    line: JSON.stringify({ ...facts, id: idOf(job.song), clips: facts.clips.map(({ id }) => id) }),
    clips: clips.map(({ path, ...label }) => ({ path, seconds: label.seconds, line: JSON.stringify(label) })),
  };
  return { value };
});

async function write({ path, startSeconds, seconds }: Cut, { channels, sampleRateHz }: Waveform, { format }: SongJob): Promise<void> {
  const [from, to] = [startSeconds, startSeconds + seconds].map((time) => Math.round(time * sampleRateHz));
  const wav = encodeWav({ sampleRateHz, channels: channels.map((channel) => channel.subarray(from, to)) });
  await mkdir(dirname(path), { recursive: true });
  await writeAtomic(path, format === "flac" ? await encodeFlac(wav) : wav);
}

/** Files are renamed into place once they are complete. The size of a wav file is checked as well. */
async function isFinished({ path, startSeconds, seconds }: Cut, { format, sampleRateHz }: SongJob): Promise<boolean> {
  const file = await stat(path).catch(() => undefined);
  if (file === undefined) return false;
  const samples = Math.round((startSeconds + seconds) * sampleRateHz) - Math.round(startSeconds * sampleRateHz);
  return format === "wav" ? file.size === 44 + 4 * samples : file.size > 0;
}
