// The tables of docs/performance.md from bench/results/: npm run bench:table prints them.
import { readdirSync, readFileSync } from "node:fs";
import type { Spread } from "../measure/measure.ts";

const folder = new URL("./results/", import.meta.url);
const read = <T>(file: string) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as T;

interface Ratio {
  readonly best: number;
  readonly median: number;
}

interface EmbedResults {
  readonly engines: Readonly<Record<string, string>>;
  readonly rows: readonly {
    readonly shape: string;
    readonly engine: string;
    readonly seconds: number;
    readonly batch: number;
    readonly audioSecondsPerSecond: Ratio;
    readonly overheadBesideSession: number;
    readonly timesFasterThanPeerFp32?: Ratio;
    readonly timesFasterThanPeerBf16?: Ratio;
    readonly milliseconds: Readonly<Record<"decode" | "resample" | "session" | "outsideSession", Spread>>;
  }[];
}

interface StepResults {
  readonly libtorch: string;
  readonly rows: readonly { readonly dtype: string; readonly who: string; readonly wallMs: Spread; readonly cpuMs: Spread }[];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const ratio = (value: Ratio | undefined) => (value ? `${value.best.toFixed(2)} / ${value.median.toFixed(2)}` : "–");

const extraction = readdirSync(folder)
  .filter((file) => /^embed-.*\.json$/.test(file))
  .sort((a, b) => b.localeCompare(a))
  .flatMap((file) => {
    const { engines, rows } = read<EmbedResults>(file);
    return rows.map((row) => {
      const [engine, dtype] = row.engine.split("-") as [string, string];
      const { decode, resample, session, outsideSession } = row.milliseconds;
      return [
        row.shape,
        `${row.seconds} s × ${row.batch}`,
        `${engine === "torch" ? `libtorch ${engines.torch}` : "ONNX"} ${dtype}`,
        `${row.audioSecondsPerSecond.best.toFixed(1)} / ${row.audioSecondsPerSecond.median.toFixed(1)}`,
        ratio(row.timesFasterThanPeerFp32),
        ratio(row.timesFasterThanPeerBf16),
        `${decode.median.toFixed(0)} + ${resample.median.toFixed(0)}`,
        session.median.toFixed(0),
        `${outsideSession.median.toFixed(0)} (${(100 * row.overheadBesideSession).toFixed(1)} %)`,
      ];
    });
  });
console.log(
  table(
    [
      "shape",
      "audio",
      "engine",
      "s of audio a second, best / median",
      "× transformers fp32",
      "× its bf16 autocast",
      "decode + resample alone, ms",
      "session, ms",
      "outside the session, ms",
    ],
    extraction,
  ),
);

const step = read<StepResults>("step.json");
const steps = step.rows.map(({ dtype, who, wallMs, cpuMs }) => {
  const own = step.rows.find((row) => row.dtype === dtype && row.who === "ostinato")!;
  return [dtype, who, wallMs.min.toFixed(0), wallMs.median.toFixed(0), cpuMs.min.toFixed(0), (wallMs.min / own.wallMs.min).toFixed(2)];
});
console.log(
  `\nA training step, 95M, 5 s × 4, libtorch ${step.libtorch}:\n\n${table(["dtype", "", "wall ms, least", "median", "CPU ms, least", "wall / ours"], steps)}`,
);
