// Corpus runs that are killed -9 at random moments: no file is lost, half-written, or done twice.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seeded } from "../../src/base/random.ts";
import { storeFormats } from "../../src/embed/stores/index.node.ts";
import { readOutputs, runCorpus, strayFiles } from "../corpus.ts";
import { maxDifference } from "../golden.ts";
import { writeSong, writeTinyModel } from "../tiny-model.ts";

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

/** Runs until a run ends by itself, the first few being killed at moments drawn from `seed`. */
async function killed(out: string, options: Parameters<typeof runCorpus>[0]["options"], seed: number) {
  const rng = seeded(seed);
  const runs = [];
  for (let i = 0; ; i++) {
    const run = await runCorpus({ model, inputs: [music], options: { ...options, out } }, i < kills ? 150 * rng() : undefined);
    runs.push(run);
    if (!run.killed) return runs;
  }
}

test.each(storeFormats)("%s", async (format) => {
  const options = { format, out: "", partSeconds: 0.02 };
  const whole = join(folder, `${format}-whole`);
  const parts = join(folder, `${format}-parts`);
  const single = await runCorpus({ model, inputs: [music], options: { ...options, out: whole } });
  expect(single).toMatchObject({ killed: false, code: 0, failed: [join(music, "notes.mp3")] });
  const runs = await killed(parts, options, 1 + storeFormats.indexOf(format));
  expect(runs.length).toBeGreaterThan(2);
  expect(runs.at(-1)!.code).toBe(0);

  const [expected, found] = [await readOutputs(whole, format), await readOutputs(parts, format)];
  expect(expected.size).toBe(count);
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, values] of found) expect(maxDifference(values, expected.get(name)!), name).toBe(0);
  expect(await strayFiles(parts)).toEqual([]);

  const done = runs.flatMap((run) => run.done);
  if (format !== "parquet") expect(done.length).toBe(new Set(done).size); // what was said to be done is not done again
  const [run, failed] = (await readFile(join(parts, "report.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  const last = runs.at(-1)!.done.length;
  expect(run).toMatchObject({ record: "run", ending: "complete", files: count + 1, done: last, skipped: count - last, failed: 1 });
  expect(failed).toMatchObject({ record: "failed", file: join(music, "notes.mp3"), reason: "not-audio" });
});
