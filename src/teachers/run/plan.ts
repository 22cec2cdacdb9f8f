// What a labelling run will take: bytes by arithmetic, hours by measuring the teacher on a few clips.
import { join } from "node:path";
import { loadAudio } from "../../audio/load.node.ts";
import { ConfigError, OstinatoError } from "../../base/errors.ts";
import type { LabelForm } from "../../data/labels/sets.ts";
import type { NamedManifest } from "../../data/manifest/files.ts";
import type { Teacher } from "../teacher.ts";

/** Above this size in compact form, the text form is written only where it is requested. */
const compactAloneBytes = 1e9;

/** The forms that are written by default: both, or the compact form alone for large sets. */
export function defaultForms(compactBytes: number): readonly LabelForm[] {
  return compactBytes > compactAloneBytes ? ["compact"] : ["text", "compact"];
}

/** The expected cost of labelling manifests. */
export interface LabelPlan {
  readonly clips: number;
  /** Length of the audio. */
  readonly hours: number;
  readonly frames: number;
  readonly compactBytes: number;
  readonly textBytes: number;
  /** Seconds of audio that decoding and the teacher process in a second, on this machine. */
  readonly audioSecondsPerSecond: number;
  readonly workHours: number;
}

/** Bytes of the labels in compact form: uint16 codes, and an index of 8 bytes a clip. */
export function compactBytes(manifests: readonly NamedManifest[], teacher: Teacher): number {
  let bytes = 0;
  for (const { manifest } of manifests)
    for (const { samples } of manifest.clips) bytes += 8 + 2 * teacher.codebooks * teacher.frameCount(samples);
  return bytes;
}

const sampleClips = 8;
const sampleSeconds = 30;

/** Plans a run: sizes follow from the manifests, the rate is measured on a few clips of at most 30 s. Clips that can't be read are skipped. */
export async function planLabels(manifests: readonly NamedManifest[], teacher: Teacher, signal?: AbortSignal): Promise<LabelPlan> {
  const all = manifests.flatMap(({ manifest: { root, clips } }) => clips.map(({ path, samples }) => ({ file: join(root, path), samples })));
  const frames = all.reduce((sum, { samples }) => sum + teacher.frameCount(samples), 0);
  const hours = all.reduce((sum, { samples }) => sum + samples, 0) / teacher.sampleRateHz / 3600;
  const digits =
    Array.from({ length: teacher.codebookSize }, (_, code) => String(code).length + 1).reduce((a, b) => a + b, 0) / teacher.codebookSize;
  const step = Math.max(1, Math.floor(all.length / sampleClips));
  const load = async (file: string) =>
    (await loadAudio(file, { sampleRateHz: teacher.sampleRateHz, startSeconds: 0, seconds: sampleSeconds, signal })).samples;
  let [seconds, work, isWarm] = [0, 0, false];
  for (let i = 0; i < all.length && i < step * sampleClips; i += step) {
    try {
      if (!isWarm) await teacher.encode([await load(all[i]!.file)]); // the first call also prepares the engine
      isWarm = true;
      const began = performance.now();
      const samples = await load(all[i]!.file);
      await teacher.encode([samples]);
      seconds += samples.length / teacher.sampleRateHz;
      work += (performance.now() - began) / 1000;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof OstinatoError)) throw error;
    }
  }
  if (work === 0)
    throw new ConfigError("None of the sampled clips could be labelled, so nothing can be measured. Check the manifest's root.");
  const audioSecondsPerSecond = seconds / work;
  const bytes = compactBytes(manifests, teacher);
  const textBytes = Math.round(frames * teacher.codebooks * digits);
  return {
    clips: all.length,
    hours,
    frames,
    compactBytes: bytes,
    textBytes,
    audioSecondsPerSecond,
    workHours: hours / audioSecondsPerSecond,
  };
}

const units = ["bytes", "kB", "MB", "GB", "TB"] as const;

/** Bytes as text: 691 GB. */
export function bytesText(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

/** Hours as text: 12 minutes, 5.2 hours, 115 days. */
export function hoursText(hours: number): string {
  if (hours < 1) return `${Number((60 * hours).toPrecision(2))} minutes`;
  return hours < 48 ? `${Number(hours.toPrecision(2))} hours` : `${Number((hours / 24).toPrecision(3))} days`;
}

/** The plan as lines of text; `parts` is the number of parts in which it would run. */
export function planLines(plan: LabelPlan, teacher: Pick<Teacher, "name" | "codebooks" | "codebookSize">, parts = 1): string[] {
  const { clips, hours, frames, audioSecondsPerSecond, workHours } = plan;
  const forms = defaultForms(plan.compactBytes);
  return [
    `${clips} clips, ${Number(hours.toPrecision(4))} hours of audio, ${frames} frames; ${teacher.name}, ${teacher.codebooks} x ${teacher.codebookSize} codes.`,
    `Labels: ${bytesText(plan.compactBytes)} in compact form, ${bytesText(plan.textBytes)} as text; by default ${forms.length === 1 ? "the compact form alone is" : "both are"} written.`,
    `Measured here: ${audioSecondsPerSecond.toPrecision(3)} s of audio a second, so ${hoursText(workHours)} of work${parts > 1 ? `, ${hoursText(workHours / parts)} for each of ${parts} parts` : ""}.`,
  ];
}
