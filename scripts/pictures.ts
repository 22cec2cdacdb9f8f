// Draws the pictures of docs/pictures that show results, from bench/results: npm run pictures.
import { fileURLToPath } from "node:url";
import { type Hour, paceOf } from "../measure/hour.ts";
import { type Results, readResults } from "../measure/results.ts";
import { type Chart, lines, panels } from "../src/plot/chart.ts";
import { writePng } from "../src/plot/png.node.ts";

function resultsOf<T>(name: string): Results<T> {
  const results = readResults<T>(name);
  if (!results) throw new Error(`There is no bench/results/${name}.json.`);
  return results;
}
const draw = (name: string, chart: Chart, size: { width?: number; height?: number; scale?: number }) =>
  writePng(fileURLToPath(new URL(`../docs/pictures/${name}.png`, import.meta.url)), chart, size);

interface Deviations {
  readonly minutes: number;
  readonly attention: "diffuse" | "peaked";
  readonly window: number;
  readonly overlap: number;
  readonly layers: readonly { readonly relative: number }[];
}

async function deviations(): Promise<void> {
  const { rows } = resultsOf<Deviations>("windows");
  const charts = (["diffuse", "peaked"] as const).map((attention) =>
    lines({
      title: `${attention === "diffuse" ? "Diffuse" : "Peaked"} attention`,
      subtitle: "95M shape, random weights; clips of 2 minutes where the legend names no other length",
      xLabel: "layer",
      yLabel: "relative deviation",
      logY: true,
      series: rows
        .filter((row) => row.attention === attention)
        .map(({ minutes, window, overlap, layers }) => ({
          name: `${window} s, overlap ${overlap} s${minutes === 2 ? "" : `, of ${minutes} min`}`,
          x: layers.map((_, layer) => layer),
          y: layers.map(({ relative }) => relative || Number.NaN), // layer 0 is exact where the overlap is large enough: no point on a log axis
        })),
    }),
  );
  await draw("long-audio-deviation", panels({ columns: 2, charts }), { width: 1500, height: 520 });
}

async function hours(): Promise<void> {
  const { rows } = resultsOf<Hour>("long-audio");
  const subtitle = `95M shape, all layers to npy, windows of 30 s with an overlap of 5 s, ${rows[0]!.run.machine?.cores ?? "an unknown number of"} cores`;
  const longest = Math.max(...rows.map(({ minutes }) => minutes));
  const name = ({ engine, dtype }: Hour) => `${engine} ${dtype}`;
  const resident = rows.map((row) => ({
    name: name(row),
    x: row.curve.map(([minutes]) => minutes),
    y: row.curve.map(([, megabytes]) => megabytes),
  }));
  const charts = [
    lines({
      ...{ title: `Resident memory over ${longest.toFixed(0)} minutes of audio`, subtitle, xLabel: "minutes of audio", yLabel: "MB" },
      series: [...resident, { name: "allowed", x: [0, longest], y: [1500, 1500] }],
    }),
    lines({
      ...{ title: "Seconds of work a second of audio", subtitle, xLabel: "minutes of audio", yLabel: "s" },
      series: rows.map((row) => ({ name: name(row), ...paceOf(row.curve) })),
    }),
  ];
  await draw("long-audio-hour", panels({ columns: 2, charts }), { width: 1400, height: 460 });
}

interface KMeansRun {
  readonly clusters: number;
  readonly hours: number;
  readonly frames: number;
  readonly curve: readonly (readonly [hours: number, megabytes: number])[];
}

async function kmeans(): Promise<void> {
  const { rows } = resultsOf<KMeansRun>("kmeans-memory");
  const chart = lines({
    title: "Memory of k-means over 1 to 100 hours",
    subtitle: `${rows[0]!.clusters} clusters on MFCC, batches of 10 000, pools of 120 000 frames; resident memory, beside the size of all frames`,
    xLabel: "hours of audio read",
    yLabel: "MB",
    logX: true,
    logY: true,
    series: [
      ...rows.map(({ hours, curve }) => ({ name: `${hours} h`, x: curve.map(([x]) => x), y: curve.map(([, y]) => y) })),
      { name: "all frames", x: rows.map(({ hours }) => hours), y: rows.map(({ frames }) => (frames * 39 * 4) / 1e6) },
    ],
  });
  await draw("kmeans-memory", chart, { scale: 1.5 });
}

interface Sample {
  readonly at: number;
  readonly rssMb: number;
  readonly heapMb: number;
}

async function memory(): Promise<void> {
  const { rows } = resultsOf<{ libtorch: string; steps: readonly Sample[]; cycles: readonly Sample[] }>("memory");
  const charts = rows.flatMap(({ libtorch, steps, cycles }) => {
    const curve = (title: string, xLabel: string, samples: readonly Sample[]) => {
      const x = samples.map(({ at }) => at);
      const series = [
        { name: "resident", x, y: samples.map(({ rssMb }) => rssMb) },
        { name: "native heap", x, y: samples.map(({ heapMb }) => heapMb) },
      ];
      return lines({ title, subtitle: `libtorch ${libtorch}, CPU`, xLabel, yLabel: "MB", series });
    };
    return [curve("Memory over training steps", "step", steps), curve("Memory over loads and disposals", "cycle", cycles)];
  });
  await draw("memory", panels({ columns: 2, charts }), { width: 1200, height: 420 * rows.length });
}

for (const picture of [deviations, hours, kmeans, memory]) await picture();
