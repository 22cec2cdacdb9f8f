// Synth worker: plans a clip and, unless its file exists, renders and writes it atomically.
import { stat } from "node:fs/promises";
import { encodeWav } from "../audio/wav.ts";
import { writeAtomic } from "../base/files.node.ts";
import { serveJobs } from "../base/worker-pool.node.ts";
import { planClip } from "./clip.ts";
import type { ClipDone, ClipJob } from "./corpus-job.ts";
import { encodeFlac } from "./flac.ts";
import { factsOf } from "./layouts.ts";

serveJobs<ClipJob, ClipDone>(async (job) => {
  const { label, render } = planClip(job);
  const there = await isFinished(job);
  if (!there) {
    const wav = encodeWav(render());
    await writeAtomic(job.path, job.format === "flac" ? await encodeFlac(wav) : wav);
  }
  const value = { status: there ? "skipped" : "done", facts: factsOf(label), line: JSON.stringify(label), path: job.path } as const;
  return { value };
});

/** Files are renamed into place when whole; a wav's length is known as well. */
async function isFinished({ path, format, seconds, sampleRateHz }: ClipJob): Promise<boolean> {
  const file = await stat(path).catch(() => undefined);
  if (file === undefined) return false;
  return format === "wav" ? file.size === 44 + 4 * Math.round(seconds * sampleRateHz) : file.size > 0;
}
