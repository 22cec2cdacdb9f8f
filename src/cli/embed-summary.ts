// Summary of a corpus run: counts and speed, what was resampled, what failed and why. Results are counted as they arrive, so memory does
// not grow with the corpus.
import { clock } from "../base/progress.ts";
import { measuredOf } from "../embed/deviation.ts";
import type { FileResult } from "../embed/report.ts";
import { reasonOf } from "../embed/report.ts";

const namedFailures = 20;

export interface EmbedSummary {
  add(result: FileResult): void;
  /** Number of failures so far. */
  failed(): number;
  /** The closing lines of a run. `total` is the number of files given: fewer results mean that the run was interrupted. */
  lines(run: { total: number; seconds: number; out: string }): string[];
}

/** @param sampleRateHz the model's. */
export function embedSummary(sampleRateHz: number): EmbedSummary {
  const count = { done: 0, skipped: 0, failed: 0 };
  const rates = new Map<number, number>();
  const reasons = new Map<string, number>();
  const failures: string[] = [];
  let audio = 0;
  const windowed = new Map<string, number>();
  return {
    add({ file, status, seconds = 0, provenance, error }) {
      count[status]++;
      if (error) {
        reasons.set(reasonOf(error), (reasons.get(reasonOf(error)) ?? 0) + 1);
        if (failures.length < namedFailures) failures.push(`  ${file}`);
      }
      if (status !== "done") return;
      audio += seconds;
      const rate = provenance?.source.sampleRateHz;
      if (rate !== undefined && rate !== sampleRateHz) rates.set(rate, (rates.get(rate) ?? 0) + 1);
      if (provenance?.windows) {
        const { windowSeconds, overlapSeconds } = provenance.windows;
        const line = `attention saw ${windowSeconds} s at a time, with ${overlapSeconds} s of overlap. ${measuredOf(provenance.windows)}`;
        windowed.set(line, (windowed.get(line) ?? 0) + 1);
      }
    },
    failed: () => count.failed,
    lines({ total, seconds, out }) {
      const lines: string[] = [];
      // A wrong sample rate gives near-random embeddings without any error, so resampling is always reported.
      const list = [...rates].sort(([a], [b]) => a - b).map(([rate, many]) => `${files(many)} from ${rate} Hz`);
      if (list.length > 0) lines.push(`resampled to ${sampleRateHz} Hz: ${list.join(", ")}`);
      for (const [line, many] of windowed) lines.push(`${files(many)} in windows: ${line}`);
      const { done, skipped, failed } = count;
      const begun = done + skipped + failed;
      const pace = `${clock(audio)} of audio in ${seconds.toFixed(1)} s, ${(audio / Math.max(seconds, 0.001)).toFixed(1)} s of audio a second`;
      const why = [...reasons].sort(([, a], [, b]) => b - a).map(([reason, many]) => `${many} ${reason}`);
      const counts = [
        `${files(done)} embedded${done > 0 ? ` (${pace})` : ""}`,
        skipped > 0 && `${skipped} skipped, already finished`,
        failed > 0 && `${failed} failed (${why.join(", ")})`,
        begun < total && `${total - begun} not started`,
      ];
      lines.push(`${counts.filter(Boolean).join("; ")}. Outputs are in ${out}.`);
      if (failed > 1) {
        lines.push("Failed:", ...failures);
        if (failed > namedFailures) lines.push(`  and ${failed - namedFailures} more`);
      }
      if (failed > 0) lines.push(`The reasons are in ${out}/report.jsonl.`);
      return lines;
    },
  };
}

function files(count: number): string {
  return `${count} file${count === 1 ? "" : "s"}`;
}
