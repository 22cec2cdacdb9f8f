// The report of a corpus run, DIR/report.jsonl, for programs: how the run ended, and each file that failed or was repaired, and why. No
// output has this name. A folder that has outputs but no report is one whose run was killed.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../base/files.node.ts";
import { ostinatoVersion } from "../base/version.ts";
import type { Provenance } from "../inference/provenance.ts";

/** The outcome for one file. */
export interface FileResult {
  readonly file: string;
  readonly status: "done" | "skipped" | "failed";
  /** Path of the file that holds the embedding; absent if the file failed. */
  readonly output?: string;
  readonly shape?: readonly number[];
  readonly frames?: number;
  /** Length of the audio. */
  readonly seconds?: number;
  readonly provenance?: Provenance;
  /** Why it failed. */
  readonly error?: Error;
}

/** complete: every file was tried. interrupted: the run was stopped. error: the run itself failed, for example because the disk is full. */
export type Ending = "complete" | "interrupted" | "error";

/** The first line: the run as a whole. */
export interface RunRecord {
  readonly record: "run";
  readonly ostinato: string;
  readonly ending: Ending;
  /** The error that ended the run, for "error". */
  readonly error?: string;
  /** ISO 8601. */
  readonly began: string;
  readonly seconds: number;
  readonly model: string;
  readonly files: number;
  readonly done: number;
  readonly skipped: number;
  readonly failed: number;
  readonly notBegun: number;
  /** Length of the audio that was embedded. */
  readonly audioSeconds: number;
  /** Number of failures by reason: a decoder's fault (corrupt, not-audio, empty, crashed …) or the error's class. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** A file that failed. */
export interface FailedRecord {
  readonly record: "failed";
  readonly file: string;
  readonly reason: string;
  readonly error: string;
}

/** A file that was embedded although it is damaged, for example cut short. */
export interface MendedRecord {
  readonly record: "mended";
  readonly file: string;
  readonly output: string;
  readonly mends: readonly string[];
}

export interface RunReport {
  add(result: FileResult): void;
  /** Writes the report. `error` is the message that ended a failed run; such a run ends without a report if that can't be written either. */
  write(ending: Ending, error?: string): Promise<void>;
}

/** Begins a report in `folder`. The report of the run before is removed first, so that it is never taken for this run's. */
export async function beginReport(folder: string, run: { readonly model: string; readonly files: number }): Promise<RunReport> {
  const path = join(folder, "report.jsonl");
  await rm(path, { force: true });
  const [began, start] = [new Date(), performance.now()];
  const count = { done: 0, skipped: 0, failed: 0 };
  const reasons: Record<string, number> = {};
  const records: (FailedRecord | MendedRecord)[] = [];
  let audioSeconds = 0;
  return {
    add(result) {
      const { file, status, output, error, seconds = 0, provenance } = result;
      count[status]++;
      if (status === "done") audioSeconds += seconds;
      if (error) {
        const reason = reasonOf(error);
        reasons[reason] = (reasons[reason] ?? 0) + 1;
        records.push({ record: "failed", file, reason, error: error.message });
      }
      const mends = provenance?.source.mends ?? [];
      if (output !== undefined && mends.length > 0) records.push({ record: "mended", file, output, mends });
    },
    async write(ending, error) {
      const { done, skipped, failed } = count;
      const first: RunRecord = {
        record: "run",
        ostinato: ostinatoVersion,
        ending,
        ...(error !== undefined && { error }),
        began: began.toISOString(),
        seconds: round((performance.now() - start) / 1000),
        ...run,
        ...count,
        notBegun: run.files - done - skipped - failed,
        audioSeconds: round(audioSeconds),
        reasons,
      };
      await writeAtomic(path, lines([first, ...records])).catch((failure) => {
        if (ending !== "error") throw failure;
      });
    },
  };
}

/** The kind of a failure as one word, for counting. */
export function reasonOf(error: Error): string {
  const { fault } = error as { fault?: unknown };
  return typeof fault === "string" ? fault : error.name;
}

function* lines(records: readonly object[]): Generator<Uint8Array> {
  for (const record of records) yield Buffer.from(`${JSON.stringify(record)}\n`);
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
