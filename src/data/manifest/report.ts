// The report of a prepared corpus: which files are used, which are left out and why, for programs and for readers.
import type { FileFault, FoundFile } from "./find-audio.ts";
import type { Measured } from "./measure.ts";

/** Facts about one file. */
export type FileRecord = FoundFile & { readonly sha256?: string } & (Measured | Omit<FileFault, "path"> | { readonly duplicateOf: string });

/** The files of a folder: which are used, which are not, and why. */
export interface ManifestReport {
  readonly root: string;
  readonly sampleRateHz: number;
  /** Number of files examined. */
  readonly files: number;
  readonly usable: readonly { readonly path: string; readonly samples: number }[];
  readonly seconds: number;
  /** Number of used files by format and rate: "wav 44100 Hz". */
  readonly kinds: Readonly<Record<string, number>>;
  /** Files left out, by reason: "duplicate", "too short", "silent", or the fault of the file. */
  readonly leftOut: Readonly<Record<string, readonly { readonly path: string; readonly message: string }[]>>;
  /** Files that are used although something in them was repaired or lost. */
  readonly mended: readonly { readonly path: string; readonly mends: readonly string[] }[];
  /** The report as lines of text. */
  readonly summary: readonly string[];
}

/** Reasons that follow from the settings and are no failure. */
const chosen = ["duplicate", "too short", "silent"];

/** Number of files that could not be read. */
export function failures(report: Pick<ManifestReport, "leftOut">): number {
  return Object.entries(report.leftOut).reduce((sum, [reason, files]) => sum + (chosen.includes(reason) ? 0 : files.length), 0);
}

/** Builds the report. Files shorter than `minSeconds` are left out. */
export function reportOf(
  settings: { readonly root: string; readonly sampleRateHz: number; readonly minSeconds: number },
  records: readonly FileRecord[],
  faults: readonly FileFault[],
): ManifestReport {
  const { root, sampleRateHz, minSeconds } = settings;
  const usable: { path: string; samples: number }[] = [];
  const mended: { path: string; mends: readonly string[] }[] = [];
  const kinds = new Map<string, number>();
  const leftOut = new Map<string, { path: string; message: string }[]>();
  const leave = (reason: string, path: string, message: string) => {
    const list = leftOut.get(reason) ?? [];
    list.push({ path, message });
    leftOut.set(reason, list);
  };
  for (const { path, fault, message } of faults) leave(fault, path, message);
  for (const record of records) {
    const { path } = record;
    if ("duplicateOf" in record) leave("duplicate", path, `${path} has the same bytes as ${record.duplicateOf}.`);
    else if ("fault" in record) leave(record.fault, path, record.message);
    else if (record.silent) leave("silent", path, `${path} is silent: every sample is 0.`);
    else if (record.samples < minSeconds * sampleRateHz) {
      leave("too short", path, `${path} lasts ${(record.samples / sampleRateHz).toFixed(3)} s; ${minSeconds} s are required.`);
    } else {
      usable.push({ path, samples: record.samples });
      const kind = `${record.format} ${record.sourceSampleRateHz} Hz`;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      if (record.mends.length > 0) mended.push({ path, mends: record.mends });
    }
  }
  const report = {
    root,
    sampleRateHz,
    files: records.length + faults.length,
    usable,
    seconds: Math.round((usable.reduce((sum, { samples }) => sum + samples, 0) / sampleRateHz) * 1000) / 1000,
    kinds: Object.fromEntries([...kinds].sort(([a], [b]) => (a < b ? -1 : 1))),
    leftOut: Object.fromEntries([...leftOut].sort(([a], [b]) => (a < b ? -1 : 1))),
    mended,
  };
  return { ...report, summary: summaryOf(report) };
}

/** A duration as text: 31.5 s, 12.3 minutes, 4.05 hours. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} minutes` : `${(seconds / 3600).toFixed(2)} hours`;
}

/** Number of files that the summary names for each reason. */
const named = 5;

function summaryOf({ files, usable, seconds, kinds, leftOut, mended }: Omit<ManifestReport, "summary">): string[] {
  const lines = [`${usable.length} of ${files} files can be used: ${durationText(seconds)}.`];
  const list = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`);
  if (list.length > 0) lines.push(`They are ${list.join(", ")}.`);
  for (const [reason, left] of Object.entries(leftOut)) {
    lines.push(`Left out, ${reason}: ${left.length}`, ...left.slice(0, named).map(({ message }) => `  ${message}`));
    if (left.length > named) lines.push(`  and ${left.length - named} more: report.json names them`);
  }
  if (mended.length > 0) {
    lines.push(`Used, but damaged: ${mended.length}`);
    lines.push(...mended.slice(0, named).map(({ path, mends }) => `  ${path}: ${mends.join("; ")}`));
    if (mended.length > named) lines.push(`  and ${mended.length - named} more: report.json names them`);
  }
  return lines;
}
