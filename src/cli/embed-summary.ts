// Summary of a corpus: what was done and how fast, what was resampled, what failed.
import { clock } from "../base/progress.ts";
import type { FileResult } from "../embed/embed-files.node.ts";

const namedFailures = 20;

/** The lines that close a run. `total` is the number of files asked for: fewer results mean that it was interrupted. */
export function embedSummary(
  results: readonly FileResult[],
  run: { total: number; seconds: number; out: string; sampleRateHz: number },
): string[] {
  const of = (status: FileResult["status"]) => results.filter((result) => result.status === status);
  const [done, skipped, failed] = [of("done"), of("skipped"), of("failed")];
  const audio = done.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
  const lines = [...resampled(done, run.sampleRateHz), ...deviations(done)];
  const pace = `${clock(audio)} of audio in ${run.seconds.toFixed(1)} s, ${(audio / Math.max(run.seconds, 0.001)).toFixed(1)} s of audio a second`;
  const counts = [
    `${files(done.length)} embedded${done.length > 0 ? ` (${pace})` : ""}`,
    skipped.length > 0 && `${skipped.length} skipped, finished before`,
    failed.length > 0 && `${failed.length} failed`,
    results.length < run.total && `${run.total - results.length} not begun`,
  ];
  lines.push(`${counts.filter(Boolean).join("; ")}. Outputs are in ${run.out}.`);
  if (failed.length > 1) {
    lines.push("Failed:", ...failed.slice(0, namedFailures).map(({ file }) => `  ${file}`));
    if (failed.length > namedFailures) lines.push(`  and ${failed.length - namedFailures} more: --json names them all`);
  }
  return lines;
}

/** Says what was resampled: silently wrong rates have spoilt many results. */
function resampled(done: readonly FileResult[], sampleRateHz: number): string[] {
  const rates = new Map<number, number>();
  for (const { provenance } of done) {
    const rate = provenance?.source.sampleRateHz;
    if (rate !== undefined && rate !== sampleRateHz) rates.set(rate, (rates.get(rate) ?? 0) + 1);
  }
  const list = [...rates].sort(([a], [b]) => a - b).map(([rate, count]) => `${files(count)} from ${rate} Hz`);
  return list.length > 0 ? [`resampled to ${sampleRateHz} Hz: ${list.join(", ")}`] : [];
}

function deviations(done: readonly FileResult[]): string[] {
  const windowed = done.filter(({ provenance }) => (provenance?.deviations.length ?? 0) > 0).length;
  return windowed > 0 ? [`in windows: ${files(windowed)}; how that deviates stands in the provenance`] : [];
}

function files(count: number): string {
  return `${count} file${count === 1 ? "" : "s"}`;
}
