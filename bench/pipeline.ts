// How fast does sound reach the network? `embedFiles` over compressed songs with a model that computes nothing: decoding, mixing down, resampling,
// hand-over between threads and the store are all that is left. Run: npm run bench:pipeline [-- --songs 8 --seconds 180 --batch 4].
// The songs are 44.1 kHz stereo; three in four are longer than two minutes at the default length. ffmpeg encodes them.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeResults } from "../measure/results.ts";
import { shapes } from "../measure/shapes.ts";
import { timed } from "../measure/timing.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { embedFiles, planCorpus } from "../src/embed/embed-files.ts";
import type { LoadedModel } from "../src/inference/load.node.ts";
import type { FrameRun } from "../src/inference/long.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { shortSong } from "../src/synth/short-song.ts";

const { values } = parseArgs({
  options: {
    songs: { type: "string", default: "8" },
    seconds: { type: "string", default: "180" },
    batch: { type: "string", default: "4" },
  },
});
const [songs, seconds, batchSize] = [Number(values.songs), Number(values.seconds), Number(values.batch)];

const folder = await mkdtemp(join(tmpdir(), "ostinato-bench-pipeline-"));
const rows: {
  what: string;
  batchSize: number;
  audioSeconds: number;
  perCpuSecond: number;
  perSecond: number;
  cpuMs: number;
  wallMs: number;
}[] = [];
for (const [format, args] of Object.entries({ ogg: ["-c:a", "libvorbis", "-b:a", "160k"], mp3: ["-c:a", "libmp3lame", "-b:a", "192k"] })) {
  const paths: string[] = [];
  let total = 0;
  for (let i = 0; i < songs; i++) {
    const length = i % 4 === 3 ? seconds / 3 : seconds;
    const wav = join(folder, "song.wav");
    await writeFile(wav, encodeWav(shortSong({ seconds: length, sampleRateHz: 44_100, seed: i + 1 })));
    const path = join(folder, `${i}.${format}`);
    execFileSync("ffmpeg", ["-y", "-v", "error", "-i", wav, ...args, path]);
    paths.push(path);
    total += length;
  }
  await run(paths.slice(0, 2), "warm"); // starts the workers and compiles the decoders
  const { wallMs, cpuMs } = await timed(() => run(paths, format));
  const row = {
    what: format,
    batchSize,
    audioSeconds: total,
    perCpuSecond: Math.round((1000 * total) / cpuMs),
    perSecond: Math.round((1000 * total) / wallMs),
    cpuMs: Math.round(cpuMs),
    wallMs: Math.round(wallMs),
  };
  rows.push(row);
  console.log(`${format}: ${row.perCpuSecond} s of audio a second of CPU time, ${row.perSecond} a second of wall time`);
}
await rm(folder, { recursive: true });
writeResults("pipeline", {
  by: import.meta.url,
  question: "seconds of 44.1 kHz stereo audio that reach a model which computes nothing, by CPU time of the process and by wall time",
  versions: {},
  rows,
});
process.exit(0);

async function run(paths: readonly string[], name: string): Promise<void> {
  const files = await planCorpus(paths);
  for await (const result of embedFiles(costless(), files, {
    out: join(folder, name),
    layers: "last",
    pooling: "mean",
    batchSize,
    overwrite: true,
  })) {
    if (result.status !== "done") throw result.error ?? new Error(`${result.file} was not embedded.`);
  }
}

/** A model of the 95M shape whose hidden states are zeros, at no cost. It reads all of its input. */
function costless(): LoadedModel {
  const architecture = architectureFromHf(shapes["95M"], 24_000);
  const { model } = architecture;
  const zeros = (samples: number): FrameRun => {
    const frames = model.frameCount(samples);
    return { layers: [model.layers], frames, width: model.width, values: new Float32Array(frames * model.width), firstFrame: 0 };
  };
  return {
    model,
    architecture,
    options: { normaliseInput: false, padding: "exact", attentionMask: false },
    name: "costless",
    engine: "none",
    engineVersion: "0",
    dtype: "fp32",
    inputNormalisation: { on: false, source: "none" },
    weightsSha256: async () => ["0".repeat(64)],
    hiddenStates: async (waveforms) => waveforms.map((waveform) => zeros(waveform.length)),
    async *stream(clip) {
      let samples = 0;
      if (clip instanceof Float32Array) samples = clip.length;
      else for await (const piece of clip.pieces()) samples += piece.length;
      yield zeros(samples);
    },
    taps: () => Promise.reject(new Error("A costless model has no taps.")),
    onNotice: () => {},
    dispose: async () => {},
    [Symbol.asyncDispose]: async () => {},
  } as LoadedModel;
}
