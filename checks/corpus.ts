// Does a run over 100,000 files survive kill -9, in bounded memory? Runs are killed at random moments until one ends by itself. Then every output is
// read and compared with the files, and one more run measures how long it takes to find that nothing is left to do.
// Run: npm run check:corpus [-- --files 100000 --tables 10000 --kills 10 --only parquet (other rows are kept)]. Writes bench/results/corpus.json;
// ends with 1 where an output is lost, incomplete or doubled.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeResults } from "../measure/results.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { seeded } from "../src/base/random.ts";
import { embed } from "../src/embed/embed.ts";
import type { StoreFormat } from "../src/embed/stores/index.ts";
import { loadModel } from "../src/inference/load.node.ts";
import { maxDifference } from "../test/fixtures/golden.ts";
import { type CorpusRun, type RunEnd, readOutputs, runCorpus, strayFiles } from "../test/fixtures/killed-run.ts";
import { writeTinyModel } from "../test/fixtures/tiny-model.ts";

const { values: asked } = parseArgs({
  options: {
    files: { type: "string", default: "100000" },
    tables: { type: "string", default: "10000" },
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const rng = seeded(Number(asked.seed));
const root = await mkdtemp(join(tmpdir(), "ostinato-check-corpus-"));
const model = await writeTinyModel(join(root, "model"));

/** Noise of 0.05 to 0.1 s at 24 kHz, a hundred files a folder; one file in a thousand is no audio. */
async function writeCorpus(folder: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const place = join(folder, String(Math.floor(i / 100)).padStart(4, "0"));
    if (i % 100 === 0) await mkdir(place, { recursive: true });
    const samples = Float32Array.from({ length: 1200 + Math.floor(1200 * rng()) }, () => 0.2 * (rng() - 0.5));
    const bytes = i % 1000 === 999 ? "no sound\n" : encodeWav({ sampleRateHz: 24_000, channels: [samples] });
    await writeFile(join(place, `${String(i).padStart(6, "0")}.wav`), bytes);
  }
}

/** Kills runs until the last ends by itself, then reads every output. */
async function survive(format: StoreFormat, music: string, count: number, kills: number) {
  const out = join(root, format);
  const run: CorpusRun = { model, inputs: [music], options: { out, format, batchSize: 8, pooling: "mean", partSeconds: 1 } };
  const runs: RunEnd[] = [];
  // Kills are spread over the whole corpus: a run is killed after a random time, on average that of a tenth of the files.
  const first = await runCorpus(run, { afterMs: 3000 });
  runs.push(first);
  const perSecond = first.done.length / 3;
  for (;;) {
    const afterMs = (2 * rng() * 1000 * count) / (kills + 1) / perSecond;
    const ended = await runCorpus(run, runs.length < kills ? { afterMs } : undefined);
    runs.push(ended);
    console.log(
      `${format}: ${ended.done.length} files in ${ended.seconds.toFixed(0)} s, ${ended.killed ? "killed" : `ended with ${ended.code}`}`,
    );
    if (!ended.killed) break;
  }
  const last = runs.at(-1)!;
  if (last.code !== 0) throw new Error(`the last run ended with ${last.code}: ${last.stderr.slice(-2000)}`);
  const again = await runCorpus(run);
  const report = (await readFile(join(out, "report.jsonl"), "utf8")).trimEnd().split("\n");
  const done = runs.flatMap((one) => one.done);
  const outputs = await readOutputs(out, format);
  const whole = count - Math.floor(count / 1000);
  return {
    format,
    seed: Number(asked.seed),
    files: count,
    kills: runs.filter(({ killed }) => killed).length,
    doneARun: runs.map((one) => one.done.length),
    secondsARun: runs.map(({ seconds }) => Math.round(seconds)),
    // A killed parquet run repeats its last row group, none of which was in the table.
    saidDoneTwice: done.length - new Set(done).size,
    lost: whole - outputs.size,
    worstDifference: await differences(outputs, music),
    strayFiles: (await strayFiles(out)).length,
    failedAndReported: report.filter((line) => line.startsWith('{"record":"failed"')).length,
    planMilliseconds: again.planMilliseconds,
    nothingLeftSeconds: Number(again.seconds.toFixed(1)),
    memoryCurve: last.memory,
    peakMegabytes: Math.max(...runs.map(({ peakMegabytes = 0 }) => peakMegabytes), again.peakMegabytes ?? 0),
  };
}

/** The largest difference of every 97th output from embedding its file alone. */
async function differences(outputs: Map<string, Float32Array>, music: string): Promise<number> {
  const loaded = await loadModel(model, { threads: 1 });
  let worst = 0;
  for (const [i, [name, values]] of [...outputs].sort().entries()) {
    if (i % 97 !== 0) continue;
    const file = join(music, String(Math.floor(Number(name) / 100)).padStart(4, "0"), `${name}.wav`);
    worst = Math.max(worst, maxDifference(values, (await embed(loaded, file, { pooling: "mean" })).values));
  }
  await loaded.dispose();
  return worst;
}

type Survived = Awaited<ReturnType<typeof survive>>;

const [files, tables, kills] = [Number(asked.files), Number(asked.tables), Number(asked.kills)];
const results: Survived[] = [];
for (const format of ["npy", "npz", "jsonl", "parquet"] as const) {
  const [music, count] = format === "npy" ? [join(root, "all"), files] : [join(root, "some"), tables];
  if (asked.only && asked.only !== format) continue;
  if (!existsSync(music)) await writeCorpus(music, count);
  results.push(await survive(format, music, count, kills));
}
await rm(root, { recursive: true });

const wrong = results.filter(
  ({ format, lost, strayFiles, saidDoneTwice, worstDifference, failedAndReported, files }) =>
    lost !== 0 ||
    strayFiles > 0 ||
    worstDifference > 1e-4 ||
    failedAndReported !== Math.floor(files / 1000) ||
    (format !== "parquet" && saidDoneTwice > 0),
);
const measured = new Set(results.map(({ format }) => format));
writeResults<Survived>("corpus", {
  by: import.meta.url,
  question: "runs over tiny files killed -9 at random moments: what is lost or doubled, how long resuming takes, resident memory",
  versions: {},
  rows: results,
  keep: (earlier) => !measured.has(earlier.format),
});
for (const { format, files, kills, lost, nothingLeftSeconds, peakMegabytes } of results)
  console.log(
    `${format}: ${files} files, ${kills} kills, ${lost} lost, nothing left to do in ${nothingLeftSeconds} s, peak ${peakMegabytes} MB`,
  );
process.exit(wrong.length > 0 ? 1 : 0);
