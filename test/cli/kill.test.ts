// Corpus runs killed with SIGKILL at random moments: no file is lost, half-written or done twice. A moment is a file operation of the run, so
// that it falls within the run however fast the machine is.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seeded } from "../../src/base/random.ts";
import { storeFormats } from "../../src/embed/stores/index.ts";
import { maxDifference } from "../fixtures/golden.ts";
import { type CorpusRun, readOutputs, runCorpus, strayFiles } from "../fixtures/killed-run.ts";
import { writeSong, writeTinyModel } from "../fixtures/tiny-model.ts";

const count = 60;
const kills = 3;
let folder: string;
let model: string;
let music: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-kill-"));
  model = await writeTinyModel(join(folder, "model"));
  music = join(folder, "music");
  for (let i = 0; i < count; i++) await writeSong(join(music, `${i % 7}/${i}.wav`), { seed: i, seconds: 0.2 + (i % 5) / 20 });
  await writeFile(join(music, "notes.mp3"), "no sound\n");
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs that are killed one after the other at moments drawn from `seed`, and one that ends by itself; undisturbed, one touches files `touches` times. */
async function killedRuns(run: CorpusRun, touches: number, seed: number) {
  const rng = seeded(seed);
  const runs = [];
  for (let i = 0; i < kills; i++) runs.push(await runCorpus(run, { touch: 1 + Math.floor((rng() * touches) / (kills + 1)) }));
  return [...runs, await runCorpus(run)];
}

test.each(storeFormats)("%s", async (format) => {
  const run = (out: string) => ({ model, inputs: [music], options: { format, out, partSeconds: 0 } });
  const whole = join(folder, `${format}-whole`);
  const parts = join(folder, `${format}-parts`);
  const single = await runCorpus(run(whole));
  expect(single).toMatchObject({ killed: false, code: 0, failed: [join(music, "notes.mp3")] });
  expect(single.touches).toBeGreaterThan(count);
  const runs = await killedRuns(run(parts), single.touches, 1 + storeFormats.indexOf(format));
  expect(runs.map((each) => each.killed)).toEqual([...Array<boolean>(kills).fill(true), false]);
  expect(runs.at(-1)!.code).toBe(0);

  const [expected, found] = [await readOutputs(whole, format), await readOutputs(parts, format)];
  expect(expected.size).toBe(count);
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, values] of found) expect(maxDifference(values, expected.get(name)!), name).toBe(0);
  expect(await strayFiles(parts)).toEqual([]);

  const done = runs.flatMap((each) => each.done);
  if (format !== "parquet") expect(done.length).toBe(new Set(done).size); // what was said to be done is not done again
  const [end, failed] = (await readFile(join(parts, "report.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  const last = runs.at(-1)!.done.length;
  expect(end).toMatchObject({ record: "run", ending: "complete", files: count + 1, done: last, skipped: count - last, failed: 1 });
  expect(failed).toMatchObject({ record: "failed", file: join(music, "notes.mp3"), reason: "not-audio" });
});
