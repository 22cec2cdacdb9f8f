// How fast is audio read: decoding by format, and resampling? In multiples of real time, by CPU time of the whole process, workers included.
// Run: npm run bench:audio [-- --seconds 60 --runs 5]. The input is a synthesised 44.1 kHz stereo song; formats other than wav need ffmpeg.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeResults } from "../measure/results.ts";
import { type Spread, spread, timed } from "../measure/timing.ts";
import { decodeBytes } from "../src/audio/decode.node.ts";
import { resample } from "../src/audio/resample.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { shortSong } from "../src/synth/short-song.ts";

const { values: options } = parseArgs({ options: { seconds: { type: "string", default: "60" }, runs: { type: "string", default: "5" } } });
const [seconds, runs] = [Number(options.seconds), Number(options.runs)];
const codecs = {
  wav: ["-f", "wav"],
  flac: ["-f", "flac"],
  mp3: ["-f", "mp3", "-c:a", "libmp3lame", "-b:a", "192k"],
  vorbis: ["-f", "ogg", "-c:a", "libvorbis", "-b:a", "160k"],
  opus: ["-f", "ogg", "-c:a", "libopus", "-b:a", "128k"],
} as const;

const folder = await mkdtemp(join(tmpdir(), "ostinato-bench-audio-"));
const song = shortSong({ seconds, sampleRateHz: 44_100, seed: 1 });
const wav = join(folder, "song.wav");
await writeFile(wav, encodeWav(song));
const rows: { what: string; seconds: number; cpuMs: Spread; timesRealTime: number }[] = [];
async function rate(what: string, work: () => Promise<unknown> | unknown): Promise<void> {
  const cpu: number[] = [];
  for (let run = -2; run < runs; run++) {
    const { cpuMs } = await timed(work); // the first two runs warm the compiler up
    if (run >= 0) cpu.push(cpuMs);
  }
  const cpuMs = spread(cpu);
  const timesRealTime = Math.round((1000 * seconds) / cpuMs.median);
  rows.push({ what, seconds, cpuMs, timesRealTime });
  console.log(`${what.padEnd(18)} ${cpuMs.min.toFixed(0)} ms at best, ${cpuMs.median.toFixed(0)} median: ${timesRealTime} x real time`);
}
for (const [name, args] of Object.entries(codecs)) {
  const file = join(folder, `coded.${name}`);
  try {
    execFileSync("ffmpeg", ["-v", "error", "-i", wav, "-ac", "2", ...args, file], { stdio: "pipe" });
  } catch (error) {
    console.log(`${name}: left out, because ffmpeg can't write it here (${String((error as Error).message).split("\n")[0]})`);
    continue;
  }
  const bytes = new Uint8Array(await readFile(file));
  await rate(`decode ${name}`, () => decodeBytes(bytes));
}
const channel = song.channels[0]!;
for (const to of [24_000, 16_000]) await rate(`44.1 to ${to / 1000} kHz`, () => resample(channel, { from: 44_100, to }));
await rm(folder, { recursive: true });
writeResults("audio", {
  by: import.meta.url,
  question: "decoding a stereo song and resampling one channel, by CPU time of the process",
  versions: {},
  rows,
});
process.exit(0);
