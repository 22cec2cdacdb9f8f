// Is the memory of k-means bounded while the corpus grows from 1 to 100 hours, and is its inertia near that of full-batch k-means?
// Run: npm run check:kmeans. Each size runs in its own process: one pass of k-means with HuBERT's batches over simulated hours of MFCC.
// Writes bench/results/kmeans-{memory,inertia}.json; ends with 1 where the peak of 100 hours is over 1.5 times that of 1 hour, or the inertia is
// over 1.05 times that of the best full-batch run. `npm run pictures` draws the memory.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { writeResults } from "../measure/results.ts";
import { resample } from "../src/audio/resample.ts";
import { downmix } from "../src/audio/waveform.ts";
import { seeded } from "../src/base/random.ts";
import { onnxEngine } from "../src/engines/onnx/engine.node.ts";
import { shortSong } from "../src/synth/short-song.ts";
import { dspFeatures } from "../src/teachers/features/features.ts";
import { drawRows, type FrameSource } from "../src/teachers/features/frame-source.ts";
import { spreadCentres } from "../src/teachers/kmeans/init.ts";
import { kmeansAssigner, squaredDistances, updateClusters } from "../src/teachers/kmeans/kmeans.ts";
import { trainKMeans } from "../src/teachers/kmeans/train.ts";

const clusters = 100;
const clipSeconds = 60;
const rate = 16_000;

interface Run {
  readonly hours: number;
  readonly frames: number;
  readonly seconds: number;
  /** After each pool: the hours that were read, and the resident megabytes. */
  readonly curve: readonly (readonly [hours: number, megabytes: number])[];
  readonly peakMegabytes: number;
}

/** A corpus of any size: MFCC of eight pieces of music. Each clip is one of them from a random frame on, at a random level, with a little noise. */
async function corpus(hours: number): Promise<FrameSource> {
  const features = await dspFeatures("mfcc", onnxEngine());
  const { width } = features;
  const pieces: Float32Array[] = [];
  for (let seed = 0; seed < 8; seed++) {
    const music = shortSong({ seconds: 20, sampleRateHz: 22_050, seed });
    for await (const piece of features.frames(resample(downmix(music), { from: music.sampleRateHz, to: rate }))) pieces.push(piece.slice());
  }
  await features.dispose();
  const clips = Math.round((hours * 3600) / clipSeconds);
  const framesEach = clipSeconds * 100;
  return {
    name: `${features.name}, simulated`,
    width,
    clips,
    totalFrames: clips * framesEach,
    async *clip(index) {
      const rng = seeded(index);
      const piece = pieces[index % pieces.length]!;
      const [start, gain] = [Math.floor((rng() * piece.length) / width), 20 * rng()];
      const frames = new Float32Array(framesEach * width);
      let noise = index + 1;
      for (let i = 0; i < frames.length; i++) {
        noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0; // a fast generator, for 1.4 thousand million values
        frames[i] = piece[(start * width + i) % piece.length]! + 4 * (noise / 2 ** 32 - 0.5) + (i % width === 0 ? gain : 0);
      }
      yield frames;
    },
  };
}

async function measure(hours: number): Promise<Run> {
  const source = await corpus(hours);
  const began = performance.now();
  const curve: [number, number][] = [];
  await trainKMeans(
    source,
    onnxEngine(),
    { clusters, seed: 1, starts: 2, maxPasses: 1, patience: Number.POSITIVE_INFINITY },
    {
      onPool({ position }) {
        const behind = position.pass > 0 ? 1 : position.clip / source.clips;
        curve.push([hours * behind, Math.round(process.memoryUsage.rss() / 1e6)]);
      },
    },
  );
  return {
    hours,
    frames: source.totalFrames,
    seconds: Math.round((performance.now() - began) / 1000),
    curve,
    peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1e3),
  };
}

/** Inertia of streamed k-means and of full-batch k-means on the same 20 minutes, for several seeds. */
async function quality() {
  const source = await corpus(1 / 3);
  const parts: Float32Array[] = [];
  for (let i = 0; i < source.clips; i++) for await (const piece of source.clip(i)) parts.push(piece.slice());
  const frames = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    frames.set(part, filled);
    filled += part.length;
  }
  const { width } = source;
  const assigner = await kmeansAssigner(onnxEngine(), width);
  const inertiaOf = async (centres: Float64Array) =>
    squaredDistances(frames, await assigner.assign(frames, { width, centres }), centres, width) / (frames.length / width);
  const full: number[] = [];
  for (let start = 0; start < 3; start++) {
    const sample = drawRows(frames, width, 30_000, start);
    const centres = await spreadCentres(onnxEngine(), sample, width, clusters, seeded(start));
    let before = Number.POSITIVE_INFINITY;
    for (let step = 0; step < 100; step++) {
      const labels = await assigner.assign(frames, { width, centres });
      const inertia = updateClusters({ width, centres, counts: new Float64Array(clusters) }, frames, labels) / labels.length;
      if (inertia > before * (1 - 1e-5)) break;
      before = inertia;
    }
    full.push(await inertiaOf(centres));
  }
  const streamed: number[] = [];
  for (const seed of [1, 2]) {
    const state = await trainKMeans(source, onnxEngine(), { clusters, seed, starts: 8, maxPasses: 40, poolBatches: 4 });
    streamed.push(await inertiaOf(state.centres));
  }
  return { frames: frames.length / width, clusters, full, streamed, ratioToBestFull: streamed.map((value) => value / Math.min(...full)) };
}

const asked = process.argv[2];
if (asked === "quality") console.log(JSON.stringify(await quality()));
else if (asked) console.log(JSON.stringify(await measure(Number(asked))));
else {
  const tsx = fileURLToPath(new URL("../node_modules/.bin/tsx", import.meta.url));
  const ask = <T>(argument: string): T => {
    const out = execFileSync(tsx, [fileURLToPath(import.meta.url), argument], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    return JSON.parse(out.trim().split("\n").at(-1)!) as T;
  };
  const inertia = ask<Awaited<ReturnType<typeof quality>>>("quality");
  console.log("inertia over the best full-batch run's:", inertia.ratioToBestFull.map((ratio) => ratio.toFixed(4)).join(", "));
  const runs: Run[] = [];
  for (const hours of [1, 10, 100]) {
    const run = ask<Run>(String(hours));
    const thin = Math.ceil(run.curve.length / 40);
    runs.push({ ...run, curve: run.curve.filter((_, i) => i % thin === 0 || i === run.curve.length - 1) });
    console.log(`${hours} h: ${run.frames} frames in ${run.seconds} s, peak ${run.peakMegabytes} MB`);
  }
  writeResults("kmeans-inertia", {
    by: import.meta.url,
    question: "inertia a frame of streamed k-means on MFCC over that of full-batch k-means",
    versions: {},
    rows: [inertia],
  });
  writeResults("kmeans-memory", {
    by: import.meta.url,
    question: "resident memory of one pass of k-means on MFCC, by hours of audio",
    versions: {},
    rows: runs.map((run) => ({ clusters, ...run })),
  });
  const grown = runs.at(-1)!.peakMegabytes / runs[0]!.peakMegabytes;
  if (grown > 1.5 || Math.max(...inertia.ratioToBestFull) > 1.05) process.exitCode = 1;
}
process.exit();
