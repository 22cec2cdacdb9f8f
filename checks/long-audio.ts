// How much memory and time does an hour of audio take through the 95M shape? A process of its own embeds it into an npy, as `ostinato embed` does.
// Run: npm run check:long [-- --minutes 60 --engine onnx --dtype fp32 --budget 600 (seconds, after which the hour is cut short)].
// Writes bench/results/long-audio.json, a row for each engine and dtype; ends with 1 where the hour takes 1.5 GB, or the last quarter is slower than
// the first. `npm run pictures` draws the curves.
import { execFileSync } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Hour, paceOf } from "../measure/hour.ts";
import { writeResults } from "../measure/results.ts";
import { shapes } from "../measure/shapes.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import { randomTensors } from "../src/checkpoint/random.ts";
import { loadClip } from "../src/embed/clip.ts";
import { embedClips, longestHeld } from "../src/embed/embed.ts";
import { settingsOf } from "../src/embed/options.ts";
import { npyStore } from "../src/embed/stores/npy.ts";
import { safetensorsChunks } from "../src/formats/safetensors.ts";
import { loadModel } from "../src/inference/load.node.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { shortSong } from "../src/synth/short-song.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    engine: { type: "string", default: "onnx" },
    dtype: { type: "string", default: "fp32" },
    budget: { type: "string" },
    child: { type: "string" },
  },
});
const rate = 24_000;
const { model } = architectureFromHf(shapes["95M"]);
/** Embeds a file into an npy and samples the memory and the time of this process after each window. */
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
      if (chunk.offset < stream!.shape[1]! * stream!.shape[2]!) frames += chunk.values.length / stream!.shape[2]!; // the frames of layer 0
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

/** Writes a model and a long wav (five minutes of 44.1 kHz stereo music, repeated), and embeds it in a child process. */
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

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

if (options.child) console.log(JSON.stringify(await hour(options.child)));
else {
  const row = await measureHour(Number(options.minutes));
  const { engine, dtype, minutes, seconds, peakMegabytes, curve } = row;
  const paces = paceOf(curve).y;
  const quarter = Math.ceil(paces.length / 4);
  const [early, late] = [paces.slice(0, quarter), paces.slice(-quarter)].map(median);
  console.log(
    `${minutes.toFixed(1)} min in ${seconds.toFixed(0)} s, peak ${peakMegabytes.toFixed(0)} MB (allowed: 1500); a second of audio took ${early?.toFixed(3)} s in the first quarter, ${late?.toFixed(3)} s in the last`,
  );
  writeResults<Hour>("long-audio", {
    by: import.meta.url,
    question: "memory and time of an hour of synthesised music through the 95M shape, random weights (seed 1)",
    versions: {},
    rows: [row],
    keep: (earlier) => earlier.engine !== engine || earlier.dtype !== dtype,
  });
  if (peakMegabytes >= 1500 || late! > 1.25 * early!) process.exitCode = 1;
}
