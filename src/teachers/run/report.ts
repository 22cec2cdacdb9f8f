// The report of a labelling run, for programs and for readers.
import { join } from "node:path";

import type { LabelStamp } from "../../data/labels/label-set.ts";
import type { Clip } from "../../data/manifest/manifest.ts";
import { durationText } from "../../data/manifest/report.ts";
import type { Outcome } from "./journal.ts";

/** The report of one split. */
export interface SplitReport {
  /** Clips of the manifest that was labelled, and its hash (`manifestHash`). */
  readonly clips: number;
  readonly source: string;
  readonly labelled: number;
  readonly frames: number;
  readonly seconds: number;
  /** Clips without labels, by reason. */
  readonly leftOut: Readonly<Record<string, readonly { readonly path: string; readonly message: string }[]>>;
  /** Clips of another length than the manifest said: samples. */
  readonly corrected: readonly { readonly path: string; readonly from: number; readonly to: number }[];
  /** Clips that were repaired or are incomplete, and how. */
  readonly mended: readonly { readonly path: string; readonly mends: readonly string[] }[];
}

/** Which clips of the whole manifests a part labels. */
export interface PartRange {
  readonly index: number;
  readonly count: number;
  /** Clips `from` up to `to` of each manifest, its number of clips and its hash. */
  readonly splits: Readonly<Record<string, { readonly from: number; readonly to: number; readonly of: number; readonly source: string }>>;
}

/** Path of a label's report. */
export const reportPath = (out: string, label: string): string => join(out, `report.${label}.json`);

/** The result of a labelling: the stamp, and the clips of each split. */
export interface LabelReport extends Omit<LabelStamp, "manifestHash"> {
  readonly label: string;
  readonly forms: readonly string[];
  /** Present where this is a part of a run. */
  readonly part?: PartRange | undefined;
  /** By the manifest's name. */
  readonly splits: Readonly<Record<string, SplitReport>>;
}

/** Builds a split's report from its clips and their outcomes. */
export function splitReport(
  clips: readonly Clip[],
  source: string,
  sampleRateHz: number,
  outcomes: ReadonlyMap<number, Outcome>,
): SplitReport {
  const leftOut: Record<string, { path: string; message: string }[]> = {};
  const corrected: { path: string; from: number; to: number }[] = [];
  const mended: { path: string; mends: readonly string[] }[] = [];
  let [labelled, frames, samples] = [0, 0, 0];
  for (const [index, { path, samples: from }] of clips.entries()) {
    const outcome = outcomes.get(index);
    if (!outcome) continue;
    if ("fault" in outcome) {
      leftOut[outcome.fault] ??= [];
      leftOut[outcome.fault]!.push({ path, message: outcome.message });
      continue;
    }
    labelled++;
    frames += outcome.frames;
    samples += outcome.samples;
    if (outcome.samples !== from) corrected.push({ path, from, to: outcome.samples });
    if (outcome.mends) mended.push({ path, mends: outcome.mends });
  }
  const seconds = Math.round((samples / sampleRateHz) * 1000) / 1000;
  return { clips: clips.length, source, labelled, frames, seconds, leftOut, corrected, mended };
}

/** Reasons that follow from the settings and are no failure. */
const chosen = ["too short", "silent"];

/** Number of clips that could not be read. */
export function unlabelled({ splits }: Pick<LabelReport, "splits">): number {
  let count = 0;
  for (const { leftOut } of Object.values(splits)) {
    for (const [reason, files] of Object.entries(leftOut)) if (!chosen.includes(reason)) count += files.length;
  }
  return count;
}

/** Number of files that the summary names of each kind. */
const named = 5;

/** The report as lines of text. */
export function labelSummary({ label, teacher, codebooks, codebookSize, rateHz, splits }: LabelReport): string[] {
  const lines = [`${label}: ${teacher}; ${codebooks} x ${codebookSize} codes, ${rateHz} frames a second.`];
  const some = (what: string, texts: readonly string[]) => {
    if (texts.length === 0) return;
    lines.push(`  ${what}: ${texts.length}`, ...texts.slice(0, named).map((text) => `    ${text}`));
    if (texts.length > named) lines.push(`    and ${texts.length - named} more: report.${label}.json names them`);
  };
  for (const [name, { clips, labelled, frames, seconds, leftOut, corrected, mended }] of Object.entries(splits)) {
    lines.push(`${name}: ${labelled} of ${clips} clips labelled, ${durationText(seconds)}, ${frames} frames.`);
    for (const [reason, files] of Object.entries(leftOut))
      some(
        `left out, ${reason}`,
        files.map(({ message }) => message),
      );
    some(
      "length corrected",
      corrected.map(({ path, from, to }) => `${path}: ${to} samples, not ${from}`),
    );
    some(
      "used, but damaged",
      mended.map(({ path, mends }) => `${path}: ${mends.join("; ")}`),
    );
  }
  return lines;
}
