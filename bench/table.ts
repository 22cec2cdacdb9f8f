// Prints the tables of docs/performance.md from bench/results, and the age of every row there: npm run bench:table.
// A row is marked as outdated where a file that its program imports has changed since the commit that it measured.
import { readdirSync } from "node:fs";
import { ageOf, importedFiles } from "../measure/age.ts";
import { type Results, type Row, readResults } from "../measure/results.ts";
import type { Spread } from "../measure/timing.ts";

interface Ratio {
  readonly best: number;
  readonly median: number;
}

interface Extraction {
  readonly shape: string;
  readonly engine: string;
  readonly engineVersion: string;
  readonly seconds: number;
  readonly batch: number;
  readonly audioSecondsPerSecond: Ratio;
  readonly overheadBesideSession: number;
  readonly timesFasterThanPeerFp32?: Ratio;
  readonly timesFasterThanPeerBf16?: Ratio;
  readonly milliseconds: Readonly<Record<"decode" | "resample" | "session" | "outsideSession", Spread>>;
}

interface Step {
  readonly shape: string;
  readonly seconds: number;
  readonly batch: number;
  readonly dtype: string;
  readonly who: string;
  readonly wallMs: Spread;
  readonly cpuMs: Spread;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function resultsOf<T>(name: string): Results<T> {
  const results = readResults<T>(name);
  if (!results) throw new Error(`There is no bench/results/${name}.json.`);
  return results;
}

/** The age of each row of a file, with the mark of an outdated one. */
function agesOf(results: Results<unknown>): string[] {
  const files = importedFiles(results.by);
  return results.rows.map(({ run }) => {
    const { text, outdated } = ageOf(run, files);
    return outdated ? `${text}; OUTDATED: ${outdated}` : text;
  });
}

const ratio = (value: Ratio | undefined) => (value ? `${value.best.toFixed(2)} / ${value.median.toFixed(2)}` : "–");
const machineOf = ({ run }: Row<unknown>) =>
  run.machine ? [`${run.machine.cores} × ${run.machine.cpu}`, ...(run.machine.cpuFeatures ?? [])].join(" ") : "unknown";

const extraction = resultsOf<Extraction>("embed");
const extractionAges = agesOf(extraction);
const extractionRows = extraction.rows.map((row, i) => {
  const [engine, dtype] = row.engine.split("-") as [string, string];
  const { decode, resample, session, outsideSession } = row.milliseconds;
  return [
    row.shape,
    `${row.seconds} s × ${row.batch}`,
    `${engine === "torch" ? `libtorch ${row.engineVersion}` : "ONNX"} ${dtype}`,
    `${row.audioSecondsPerSecond.best.toFixed(1)} / ${row.audioSecondsPerSecond.median.toFixed(1)}`,
    ratio(row.timesFasterThanPeerFp32),
    ratio(row.timesFasterThanPeerBf16),
    `${decode.median.toFixed(0)} + ${resample.median.toFixed(0)}`,
    session.median.toFixed(0),
    `${outsideSession.median.toFixed(0)} (${(100 * row.overheadBesideSession).toFixed(1)} %)`,
    extractionAges[i]!,
  ];
});
const extractionHead = [
  ...["shape", "audio", "engine", "s of audio a second, best / median", "× transformers fp32", "× its bf16 autocast"],
  ...["decode + resample alone, ms", "session, ms", "outside the session, ms", "age of the row"],
];
console.log(`Extraction, end to end\n\n${table(extractionHead, extractionRows)}\n`);

const step = resultsOf<Step>("step");
const stepAges = agesOf(step);
const stepRows = step.rows.map(({ shape, seconds, batch, dtype, who, wallMs, cpuMs }, i) => {
  const own = step.rows.find((row) => row.dtype === dtype && row.who === "ostinato")!;
  return [
    ...[`${shape}, ${seconds} s × ${batch}`, dtype, who, wallMs.min.toFixed(0), wallMs.median.toFixed(0)],
    ...[cpuMs.min.toFixed(0), (wallMs.min / own.wallMs.min).toFixed(2), stepAges[i]!],
  ];
});
console.log(
  `A training step\n\n${table(["shape, audio", "dtype", "", "wall ms, least", "median", "CPU ms, least", "wall / ours", "age of the row"], stepRows)}\n`,
);

const names = readdirSync(new URL("./results/", import.meta.url))
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));
const files = names.flatMap((name) => {
  const results = resultsOf<unknown>(name);
  const ages = agesOf(results);
  // Rows of one run are one line here.
  const runs = new Map(results.rows.map((row, i) => [JSON.stringify(row.run), { row, age: ages[i]! }]));
  return [...runs].map(([run, { row, age }]) => {
    const rows = results.rows.filter((other) => JSON.stringify(other.run) === run).length;
    const versions = Object.entries(row.run.versions).map(([what, version]) => `${what} ${version}`);
    return [name, results.by, String(rows), row.run.date ?? "unknown", machineOf(row), versions.join(", "), age];
  });
});
console.log(`Every run in bench/results\n\n${table(["file", "program", "rows", "date", "machine", "versions", "age of the run"], files)}`);
