// What do windows of attention change, and what does an hour cost? Two questions about long audio through the 95M shape:
// each layer's deviation from the run of the whole clip, by window and overlap; memory and time over an hour of sound.
// Run: npm run check:long [-- --minutes 60 --engine onnx --dtype fp32 --only deviation|hour|pictures --budget 600 (seconds, after which the hour is
// cut short)]. Keeps bench/results/long-audio.json (an hour a row for each engine and dtype) and docs/pictures/long-audio-{deviation,hour}.png; ends with 1 where an hour takes 1.5 GB or its
// pace changes.
import { execFileSync } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { keepResults, machine } from "../measure/measure.ts";
import { shapes } from "../measure/shapes.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { downmix } from "../src/audio/waveform.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import { randomTensors, randomWeights } from "../src/checkpoint/random.ts";
import { loadClip } from "../src/embed/clip.ts";
import { embedClips, longestHeld, settingsOf } from "../src/embed/embed.ts";
import { npyStore } from "../src/embed/stores/npy.ts";
import { onnxEngine } from "../src/engines/onnx/engine.node.ts";
import { safetensorsChunks } from "../src/formats/safetensors.ts";
import { loadModel } from "../src/inference/load.node.ts";
import { keepSessions } from "../src/inference/sessions.ts";
import { architectureFromHf } from "../src/models/index.ts";
import type { WeightReader } from "../src/ops/program.ts";
import { lines, panels } from "../src/plot/chart.ts";
import { writePng } from "../src/plot/png.node.ts";
import { shortSong } from "../src/synth/short-song.ts";
import { deviationOf, type WindowDeviation } from "./window-deviation.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    clips: { type: "string", default: "2,5" },
    engine: { type: "string", default: "onnx" },
    dtype: { type: "string", default: "fp32" },
    only: { type: "string" },
    budget: { type: "string" },
    child: { type: "string" },
  },
});
const rate = 24_000;
const { model } = architectureFromHf(shapes["95M"]);
/** Window and overlap in seconds, and the longest clip in minutes they are tried on. */
const settings = [
  [10, 1, 2],
  [10, 5, 2],
  [30, 1, 2],
  [30, 5, 5],
  [30, 10, 2],
  [60, 1, 2],
  [60, 5, 2],
  [60, 10, 2],
] as const;
/** Fresh weights look at all frames nearly alike; queries and keys made larger pick some out, as training makes them do. */
const attentions = { diffuse: 1, peaked: 4 } as const;

type Deviations = readonly {
  minutes: number;
  attention: keyof typeof attentions;
  window: number;
  overlap: number;
  layers: WindowDeviation[];
}[];

function sharpened(weights: WeightReader, factor: number): WeightReader {
  return {
    async read(name) {
      const tensor = await weights.read(name);
      if (factor === 1 || !/\.(q|k)_proj\.weight$/.test(name)) return tensor;
      const values = new Float32Array(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength / 4).map(
        (value) => factor * value,
      );
      return { ...tensor, bytes: new Uint8Array(values.buffer) };
    },
  };
}

async function deviations(onRow: (rows: Deviations) => void): Promise<Deviations> {
  const rows: Deviations[number][] = [];
  for (const minutes of options.clips.split(",").map(Number)) {
    const music = downmix(shortSong({ seconds: 60 * minutes, sampleRateHz: rate, seed: 1 }));
    for (const [attention, factor] of Object.entries(attentions) as ["diffuse" | "peaked", number][]) {
      const sessions = keepSessions(onnxEngine(), sharpened(randomWeights(model, 1), factor), 2);
      const whole = await deviationOf(model, sessions, music);
      for (const [window, overlap, longest] of settings) {
        if (minutes > longest) continue;
        const layers = await whole.of({ windowSeconds: window, overlapSeconds: overlap });
        rows.push({ minutes, attention, window, overlap, layers });
        const shown = layers.map(({ relative }) => (100 * relative).toPrecision(2)).join(" ");
        console.log(`${minutes} min, ${attention}, window ${window} s, overlap ${overlap} s: % by layer ${shown}`);
        onRow(rows);
      }
      await sessions.dispose();
    }
  }
  return rows;
}

interface Hour {
  readonly engine: string;
  readonly dtype: string;
  readonly minutes: number;
  readonly firstPassSeconds: number;
  readonly seconds: number;
  readonly peakMegabytes: number;
  /** Minutes of sound behind it, resident megabytes, and seconds of work a second of sound since the last point. */
  readonly curve: readonly (readonly [minutes: number, megabytes: number, pace: number])[];
}

/** In a process of its own: embeds a file into an npy as `ostinato embed` does, and looks at itself after each window. */
async function hour(folder: string): Promise<Hour> {
  const loaded = await loadModel(join(folder, "model"), { engine: options.engine as "onnx", dtype: options.dtype as "fp32" });
  const chosen = await settingsOf(loaded, {});
  const began = performance.now();
  const clip = await loadClip(join(folder, "long.wav"), loaded.model, { longestHeldSeconds: longestHeld(chosen) });
  const firstPassSeconds = (performance.now() - began) / 1000;
  const signal = options.budget === undefined ? undefined : AbortSignal.timeout(1000 * Number(options.budget));
  const [stream] = await embedClips(loaded, [clip], chosen, { signal });
  const curve: [number, number, number][] = [];
  let frames = 0;
  let [lastMinutes, lastTime] = [0, performance.now()];
  async function* watched() {
    for await (const chunk of stream!.chunks) {
      yield chunk;
      if (chunk.offset < stream!.shape[1]! * stream!.shape[2]!) frames += chunk.values.length / stream!.shape[2]!; // layer 0 counts
      const minutes = (frames * loaded.model.hopSamples) / rate / 60;
      if (minutes - lastMinutes < 0.5) continue;
      const now = performance.now();
      curve.push([minutes, process.memoryUsage.rss() / 1e6, (now - lastTime) / 1000 / (60 * (minutes - lastMinutes))]);
      [lastMinutes, lastTime] = [minutes, now];
    }
  }
  const writing = npyStore(join(folder, "out")).write("long", { ...stream!, chunks: watched() });
  await writing.catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
  const { engine, dtype } = loaded;
  const seconds = (performance.now() - began) / 1000;
  const peakMegabytes = (process.resourceUsage().maxRSS * 1024) / 1e6;
  return {
    engine: `${engine} ${loaded.engineVersion}`,
    dtype,
    minutes: signal?.aborted ? lastMinutes : clip.source.seconds / 60,
    firstPassSeconds,
    seconds,
    peakMegabytes,
    curve,
  };
}

/** A model's folder and a long wav (five minutes of stereo music again and again, at 44.1 kHz), and the child that embeds it. */
async function measureHour(minutes: number): Promise<Hour> {
  const folder = await mkdtemp(join(tmpdir(), "ostinato-long-"));
  try {
    await writeAtomic(join(folder, "model/config.json"), JSON.stringify(shapes["95M"]));
    await writeAtomic(join(folder, "model/preprocessor_config.json"), JSON.stringify({ do_normalize: true, sampling_rate: rate }));
    await writeAtomic(join(folder, "model/model.safetensors"), safetensorsChunks(randomTensors(model, 1), { format: "pt" }));
    await writeLongWav(join(folder, "long.wav"), minutes);
    const tsx = fileURLToPath(new URL("../node_modules/.bin/tsx", import.meta.url));
    const { engine, dtype, budget } = options;
    const given = ["--engine", engine, "--dtype", dtype, ...(budget === undefined ? [] : ["--budget", budget])];
    const out = execFileSync(tsx, [fileURLToPath(import.meta.url), "--child", folder, ...given], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    return JSON.parse(out.trim().split("\n").at(-1)!) as Hour;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeLongWav(path: string, minutes: number): Promise<void> {
  const piece = encodeWav(shortSong({ seconds: Math.min(300, 60 * minutes), sampleRateHz: 44_100, seed: 2 }));
  const [header, sound] = [piece.slice(0, 44), piece.subarray(44)];
  const times = Math.ceil(minutes / 5);
  const view = new DataView(header.buffer);
  view.setUint32(4, 36 + times * sound.length, true);
  view.setUint32(40, times * sound.length, true);
  const handle = await open(path, "w");
  await handle.writeFile(header);
  for (let i = 0; i < times; i++) await handle.writeFile(sound);
  await handle.close();
}

const picture = (name: string) => fileURLToPath(new URL(`../docs/pictures/long-audio-${name}.png`, import.meta.url));

async function drawDeviations(rows: Deviations): Promise<void> {
  const charts = (["diffuse", "peaked"] as const).map((attention) =>
    lines({
      title: `${attention === "diffuse" ? "Diffuse" : "Peaked"} attention`,
      subtitle: "95M shape, random weights; of 2 minutes where it doesn't say 5",
      xLabel: "layer",
      yLabel: "relative deviation",
      logY: true,
      series: rows
        .filter((row) => row.attention === attention)
        .map(({ minutes, window, overlap, layers }) => ({
          name: `${window} s, overlap ${overlap} s${minutes === 2 ? "" : `, of ${minutes} min`}`,
          x: layers.map((_, layer) => layer),
          y: layers.map(({ relative }) => relative || Number.NaN), // what overlaps enough is exact before the first layer
        })),
    }),
  );
  await writePng(picture("deviation"), panels({ columns: 2, charts }), { width: 1500, height: 520 });
}

async function drawHours(hours: readonly Hour[]): Promise<void> {
  const subtitle = `95M shape, all layers to npy, windows of 30 s sharing 5 s, ${machine().cores} cores`;
  const name = ({ engine, dtype }: Hour) => `${engine} ${dtype}`;
  const longest = Math.max(...hours.map(({ minutes }) => minutes));
  const memory = {
    title: `Resident memory over ${longest.toFixed(0)} minutes of sound`,
    subtitle,
    xLabel: "minutes of sound",
    yLabel: "MB",
  };
  const pace = { title: "Seconds of work a second of sound", subtitle, xLabel: "minutes of sound", yLabel: "s" };
  const resident = hours.map((hour) => ({
    name: name(hour),
    x: hour.curve.map(([minutes]) => minutes),
    y: hour.curve.map(([, megabytes]) => megabytes),
  }));
  const charts = [
    lines({ ...memory, series: [...resident, { name: "allowed", x: [0, longest], y: [1500, 1500] }] }),
    lines({ ...pace, series: hours.map((hour) => ({ name: name(hour), ...paceOf(hour.curve) })) }),
  ];
  await writePng(picture("hour"), panels({ columns: 2, charts }), { width: 1400, height: 460 });
}

/** The pace of five points together: between two lie one window or two. */
function paceOf(curve: Hour["curve"]): { x: number[]; y: number[] } {
  const [x, y]: [number[], number[]] = [[], []];
  for (let i = 5; i < curve.length; i += 5) {
    const seconds = [0, 1, 2, 3, 4].reduce((sum, j) => sum + curve[i - j]![2] * (curve[i - j]![0] - curve[i - j - 1]![0]), 0);
    x.push(curve[i]![0]);
    y.push(seconds / (curve[i]![0] - curve[i - 5]![0]));
  }
  return { x, y };
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

if (options.child) console.log(JSON.stringify(await hour(options.child)));
else {
  const path = fileURLToPath(new URL("../bench/results/long-audio.json", import.meta.url));
  const kept = JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as { deviations?: Deviations; hours?: Hour[] };
  const found = { ...kept };
  const about = "95M shape, random weights (seed 1), synthesised music; deviations on onnxruntime in float32";
  const wanted = (part: string) => options.only === undefined || options.only === part;
  if (wanted("deviation")) {
    found.deviations = await deviations((rows) => keepResults("long-audio", { ...machine(), about, ...kept, deviations: rows }));
  }
  if (wanted("hour")) {
    const hour = await measureHour(Number(options.minutes));
    const { engine, dtype, minutes, seconds, peakMegabytes, curve } = hour;
    found.hours = [...(kept.hours ?? []).filter((row) => row.engine !== engine || row.dtype !== dtype), hour];
    const paces = paceOf(curve).y;
    const quarter = Math.ceil(paces.length / 4);
    const [early, late] = [paces.slice(0, quarter), paces.slice(-quarter)].map(median);
    console.log(
      `${minutes.toFixed(1)} min in ${seconds.toFixed(0)} s, peak ${peakMegabytes.toFixed(0)} MB (allowed: 1500); a second of sound took ${early?.toFixed(3)} s in the first quarter, ${late?.toFixed(3)} s in the last`,
    );
    if (peakMegabytes >= 1500 || late! > 1.25 * early!) process.exitCode = 1;
  }
  keepResults("long-audio", { ...machine(), about, ...found });
  if (found.deviations) await drawDeviations(found.deviations);
  if (found.hours) await drawHours(found.hours);
}
