// How many training crops a second does the loader decode on a core, by format, and do training steps wait for it?
// Run: npm run bench:loader [-- --files 6 --minutes 4 --crops 120 --steps 6 --dtype bfloat16]. The ffmpeg program makes the flac and mp3
// files; without it they are left out. The steps need libtorch (--steps 0 leaves them out).
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeResults } from "../measure/results.ts";
import { spread, timed } from "../measure/timing.ts";
import { resample } from "../src/audio/resample.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { downmix } from "../src/audio/waveform.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import type { Batch } from "../src/data/batches/batch.ts";
import { loadBatches } from "../src/data/batches/loader.ts";
import { planBatches } from "../src/data/batches/plan.ts";
import type { Manifest } from "../src/data/manifest/manifest.ts";
import { loadShardBatches, openShards } from "../src/data/shards/loader.ts";
import { writeShards } from "../src/data/shards/writer.ts";
import { searchLibtorch } from "../src/engines/torch/locate.ts";
import { shortSong } from "../src/synth/short-song.ts";
import { trainStep } from "./train-step.ts";

const { values: options } = parseArgs({
  options: {
    files: { type: "string", default: "6" },
    minutes: { type: "string", default: "4" },
    crops: { type: "string", default: "120" },
    steps: { type: "string", default: "6" },
    dtype: { type: "string", default: "bfloat16" },
  },
});
const [files, minutes, crops, steps] = [options.files, options.minutes, options.crops, options.steps].map(Number) as [
  number,
  number,
  number,
  number,
];
const [sampleRateHz, cropSeconds, batchClips] = [24_000, 5, 4];
const rules = { batchSamples: batchClips * cropSeconds * sampleRateHz, maxSamples: cropSeconds * sampleRateHz, seed: 1 };
const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;

/** The file formats: the name of each, and the arguments with which ffmpeg writes it from the 44.1 kHz stereo wav. */
const kinds: readonly { name: string; extension: string; ffmpeg?: readonly string[]; mono?: boolean }[] = [
  { name: "wav, 24 kHz mono, 16 bits", extension: "wav", mono: true },
  { name: "wav, 44.1 kHz stereo, 16 bits", extension: "wav" },
  { name: "flac, 24 kHz mono", extension: "flac", ffmpeg: ["-ac", "1", "-ar", "24000", "-sample_fmt", "s16"] },
  { name: "flac, 44.1 kHz stereo", extension: "flac", ffmpeg: ["-sample_fmt", "s16"] },
  { name: "mp3, 44.1 kHz stereo, 192 kbit/s", extension: "mp3", ffmpeg: ["-b:a", "192k"] },
];

interface Row {
  what: string;
  megabytesAnHour: number;
  cropsASecondACore: number;
  cropsASecond: number;
  timesRealTimeACore: number;
}

/** Crops a second of CPU time, all threads counted, and a second of wall time with one worker. */
async function measure(what: string, bytes: number, loader: AsyncGenerator<Batch>): Promise<Row> {
  await loader.next(); // threads start and decoders compile
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  let done = 0;
  while (done < crops) {
    const { value } = await loader.next();
    if (value.bad.length > 0) throw new Error(value.bad[0]!.reason);
    done += value.clips.length;
  }
  const used = process.cpuUsage(cpu);
  const cpuSeconds = (used.user + used.system) / 1e6;
  const wallSeconds = (performance.now() - wall) / 1000;
  await loader.return(undefined);
  const row = {
    what,
    megabytesAnHour: bytes / 1e6 / ((files * minutes) / 60),
    cropsASecondACore: done / cpuSeconds,
    cropsASecond: done / wallSeconds,
    timesRealTimeACore: (done * cropSeconds) / cpuSeconds,
  };
  console.log(
    `${what.padEnd(40)} ${row.cropsASecondACore.toFixed(0).padStart(5)} crops a second a core, ${row.cropsASecond.toFixed(0)} with one worker`,
  );
  return row;
}

async function bytesIn(folder: string): Promise<number> {
  const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const root = await mkdtemp(join(tmpdir(), "ostinato-bench-"));
const rows: Row[] = [];
let mp3: Manifest | undefined;
try {
  const sources: string[] = [];
  for (let i = 0; i < files; i++) {
    const path = join(root, "source", `${i}.wav`);
    await writeAtomic(path, encodeWav(shortSong({ seconds: 60 * minutes, seed: i })));
    sources.push(path);
  }
  for (const [k, { name, extension, ffmpeg, mono }] of kinds.entries()) {
    if (ffmpeg && !hasFfmpeg) continue;
    const folder = join(root, String(k));
    for (const [i, source] of sources.entries()) {
      const path = join(folder, `${i}.${extension}`);
      if (ffmpeg === undefined) {
        const wave = shortSong({ seconds: 60 * minutes, seed: i });
        const channels = mono ? [resample(downmix(wave), { from: 44_100, to: sampleRateHz })] : wave.channels;
        await writeAtomic(path, encodeWav({ sampleRateHz: mono ? sampleRateHz : 44_100, channels }));
      } else {
        await writeAtomic(path, "");
        const { status, stderr } = spawnSync("ffmpeg", ["-v", "error", "-y", "-i", source, ...ffmpeg, path], { encoding: "utf8" });
        if (status !== 0) throw new Error(stderr);
      }
    }
    const clips = sources.map((_, i) => ({ path: `${i}.${extension}`, samples: 60 * minutes * sampleRateHz }));
    const manifest = { root: folder, sampleRateHz, clips };
    const plan = planBatches(
      clips.map((clip) => clip.samples),
      rules,
    );
    rows.push(await measure(name, await bytesIn(folder), loadBatches({ manifest }, plan, { workers: 1 })));
    if (extension === "mp3") mp3 = manifest;
    if (extension === "flac" && ffmpeg?.includes("24000")) {
      const out = join(root, "shards");
      await writeShards({ manifest, out, split: "train", shardBytes: 5e7 });
      const set = await openShards(out);
      rows.push(
        await measure(`${name}, in shards`, await bytesIn(out), loadShardBatches(set, { ...rules, poolBatches: 4 }, { workers: 1 })),
      );
    }
  }
  const facts = { files, minutes, cropSeconds, sampleRateHz };
  writeResults("loader", {
    by: import.meta.url,
    question: "crops a second of CPU time of all threads (a core), and of wall time with one worker",
    versions: {},
    rows: rows.map((row) => ({ ...row, ...facts })),
  });
  if (steps > 0) {
    const row = await besideSteps(mp3 ?? { root: join(root, "1"), sampleRateHz, clips: wavClips() });
    writeResults("loader-steps", {
      by: import.meta.url,
      question: "the wait of training steps for their batches, and the steps' time with and without the loader, in milliseconds",
      versions: { libtorch: searchLibtorch().found!.version },
      rows: [{ ...row, ...facts }],
    });
  }
} finally {
  await rm(root, { recursive: true, force: true });
}
process.exit(0);

function wavClips() {
  return Array.from({ length: files }, (_, i) => ({ path: `${i}.wav`, samples: 60 * minutes * sampleRateHz }));
}

/** The wait for each batch in a loop of training steps, and the time of a step with and without the loader at work. */
async function besideSteps(manifest: Manifest) {
  const dtype = options.dtype as "float32" | "bfloat16";
  const step = await trainStep({
    shape: "95M",
    device: "cpu",
    dtype,
    seconds: cropSeconds,
    batch: batchClips,
    threads: availableParallelism(),
  });
  const plan = planBatches(
    manifest.clips.map((clip) => clip.samples),
    rules,
  );
  step(); // warm-up
  const waits: number[] = [];
  const [beside, alone]: { wallMs: number; cpuMs: number }[][] = [[], []];
  const loader = loadBatches({ manifest }, plan, { workers: 1, ahead: 2 });
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    await loader.next();
    waits.push(performance.now() - start);
    beside!.push(await timed(() => void step())); // the loader refills the buffer it has just emptied
    await new Promise((resolve) => setTimeout(resolve, 1000));
    alone!.push(await timed(() => void step())); // the loader's buffer is full, so it is idle
  }
  await loader.return(undefined);
  step.dispose();
  const result = {
    files: manifest.clips[0]!.path.replace(/.*\./, ""),
    dtype,
    batch: `${batchClips} x ${cropSeconds} s`,
    firstWaitMs: waits[0]!,
    laterWaitsMs: spread(waits.slice(1)),
    stepMs: { besideLoader: spread(beside!.map(({ wallMs }) => wallMs)), alone: spread(alone!.map(({ wallMs }) => wallMs)) },
    stepCpuMs: { besideLoader: spread(beside!.map(({ cpuMs }) => cpuMs)), alone: spread(alone!.map(({ cpuMs }) => cpuMs)) },
  };
  console.log(
    `${dtype} step of 95M, ${result.batch} from ${result.files}: waits ${result.laterWaitsMs.median.toFixed(1)} ms (most ${result.laterWaitsMs.max.toFixed(1)}), step ${result.stepMs.besideLoader.median.toFixed(0)} ms beside the loader, ${result.stepMs.alone.median.toFixed(0)} alone (CPU ${result.stepCpuMs.besideLoader.median.toFixed(0)} and ${result.stepCpuMs.alone.median.toFixed(0)})`,
  );
  return result;
}
