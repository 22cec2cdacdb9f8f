// Labelling a manifest: batches of clips are decoded while the teacher computes, and each completed batch is written to the journal.
import { join } from "node:path";
import { loadAudio } from "../../audio/load.node.ts";
import { isSilent } from "../../audio/waveform.ts";
import { runAhead } from "../../base/ahead.ts";
import type { Clip, Manifest } from "../../data/manifest/manifest.ts";
import { audioFault } from "../../data/manifest/measure.ts";
import type { Codes } from "../../inference/encodec.ts";
import type { Teacher } from "../teacher.ts";
import { labelBatches } from "./batches.ts";
import type { LabelJournal, Labelled, Outcome, Unlabelled } from "./journal.ts";

/** The outcome of a clip. */
export interface ClipDone {
  readonly manifest: string;
  readonly path: string;
  readonly status: "done" | "skipped" | "failed";
  readonly seconds: number;
  readonly frames?: number;
  readonly fault?: string;
  readonly message?: string;
}

/** A manifest to label. */
export interface LabelWork {
  readonly name: string;
  readonly manifest: Manifest;
  readonly journal: LabelJournal;
  readonly teacher: Teacher;
  readonly batchSize: number;
  readonly signal?: AbortSignal | undefined;
  /** Called for each clip, first for those of an earlier run. */
  readonly onClip?: ((clip: ClipDone) => void) | undefined;
}

/** Labels the batches that are not completed. @throws `signal`'s reason, and errors that are no fault of a clip, such as a full disk. */
export async function labelManifest({ name, manifest, journal, teacher, batchSize, signal, onClip }: LabelWork): Promise<void> {
  const { clips, root, sampleRateHz } = manifest;
  const batches = labelBatches(
    clips.map(({ samples }) => samples),
    { sampleRateHz, batchSize },
  );
  const tell = (outcome: Outcome, skipped: boolean) => onClip?.(clipDone(name, clips[outcome.clip]!, outcome, sampleRateHz, skipped));
  for (const outcome of journal.outcomes.values()) tell(outcome, true);
  const todo = batches.map((members, batch) => ({ batch, members })).filter(({ batch }) => !journal.done.has(batch));
  const load = async ({ batch, members }: (typeof todo)[number]) => {
    const loaded = await Promise.allSettled(members.map((clip) => loadClip(join(root, clips[clip]!.path), clip, teacher, signal)));
    return { batch, loaded };
  };
  for await (const { batch, loaded } of runAhead(todo, 1, load)) {
    signal?.throwIfAborted();
    const heard = loaded.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
    const codes = await encode(teacher, heard);
    const outcomes = heard.map((clip, i): Outcome => {
      if ("fault" in clip) return clip;
      const { clip: index, samples, mends } = clip;
      return { clip: index, samples: samples.length, frames: codes[i]!.frames, ...(mends.length > 0 && { mends }) };
    });
    await journal.add(
      batch,
      outcomes,
      codes.filter((each) => each !== undefined),
    );
    for (const outcome of outcomes) tell(outcome, false);
  }
}

type Heard = { readonly clip: number; readonly samples: Float32Array; readonly mends: readonly string[] };

/** A clip's samples, or why it has no labels. */
async function loadClip(path: string, clip: number, teacher: Teacher, signal: AbortSignal | undefined): Promise<Heard | Unlabelled> {
  try {
    const { samples, mends } = await loadAudio(path, { sampleRateHz: teacher.sampleRateHz, signal });
    if (isSilent({ channels: [samples] }, 0)) return { clip, fault: "silent", message: `${path} is silent: every sample is 0.` };
    if (teacher.frameCount(samples.length) === 0) {
      return { clip, fault: "too short", message: `${path} has ${samples.length} samples, fewer than a frame of the teacher.` };
    }
    return { clip, samples, mends };
  } catch (error) {
    signal?.throwIfAborted();
    const { fault, message } = audioFault(path, error);
    return { clip, fault, message };
  }
}

/** Codes of the decoded clips; undefined for the others. */
async function encode(teacher: Teacher, clips: readonly (Heard | Unlabelled)[]): Promise<(Codes | undefined)[]> {
  const sound = clips.filter((clip): clip is Heard => "samples" in clip);
  const codes = sound.length > 0 ? await teacher.encode(sound.map(({ samples }) => samples)) : [];
  return clips.map((clip) => codes[sound.indexOf(clip as Heard)]);
}

function clipDone(manifest: string, { path }: Clip, outcome: Outcome, sampleRateHz: number, skipped: boolean): ClipDone {
  if ("fault" in outcome)
    return { manifest, path, status: skipped ? "skipped" : "failed", seconds: 0, fault: outcome.fault, message: outcome.message };
  const { samples, frames } = outcome as Labelled;
  return { manifest, path, status: skipped ? "skipped" : "done", seconds: skipped ? 0 : samples / sampleRateHz, frames };
}
