// Long files: decoded twice and written while they are computed. A run that is interrupted in the middle of one leaves nothing incomplete
// and can be repeated.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { writeSong, writeTinyModel } from "../../test/fixtures/tiny-model.ts";
import { toFloat32 } from "../base/host-tensor.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { parseNpy } from "../formats/npy.ts";
import { type LoadedModel, loadModel } from "../inference/load.node.ts";
import type { LongClip } from "../inference/long.ts";
import type { Engine } from "../ops/program.ts";
import { heldSeconds, type LoadedClip, loadClip, SoundBudget } from "./clip.ts";
import { embed } from "./embed.ts";
import { embedFiles } from "./embed-files.ts";

let folder: string;
let song: string;
let model: LoadedModel;
let onTransformerRun = () => {};

/** An engine that says when the transformer runs. */
const watched: Engine = {
  name: "onnx",
  async prepare(program, weights) {
    const session = await onnxEngine({ threads: 1 }).prepare(program, weights);
    return {
      ...session,
      run(inputs) {
        if (program.name.endsWith(" embed")) onTransformerRun(); // the first stage of the transformer
        return session.run(inputs);
      },
    };
  },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-long-"));
  song = await writeSong(join(folder, "song.wav"), { seconds: heldSeconds + 10, sampleRateHz: 11_025 });
  model = await loadModel(await writeTinyModel(join(folder, "model")), { engine: watched });
});
afterAll(async () => {
  await model.dispose();
  await rm(folder, { recursive: true });
});

test("a long clip is not held in memory, and its statistics are those of its samples", async () => {
  const held = (clip: LoadedClip) => clip.sound instanceof Float32Array;
  const short = await loadClip(song, model.model, { longestHeldSeconds: heldSeconds + 11 });
  const long = await loadClip(song, model.model);
  expect([held(short), held(long)]).toEqual([true, false]);
  expect(long.samples).toBe(short.samples);
  expect(long.source).toEqual(short.source);
  if (!(short.sound instanceof Float32Array) || long.sound instanceof Float32Array) throw new Error("unreachable");
  const { mean, variance } = long.sound.statistics;
  expect(variance).toBeCloseTo(short.sound.reduce((sum, x) => sum + (x - mean) ** 2, 0) / short.samples, 9);
  for (const _ of [1, 2]) {
    let read = 0;
    for await (const piece of long.sound.pieces()) {
      expect(maxDifference(piece, short.sound.subarray(read, read + piece.length))).toBe(0);
      read += piece.length;
    }
    expect(read).toBe(short.samples);
  }
});

test("a file in one window has the hidden states of its samples run whole", async () => {
  const { values, provenance } = await embed(model, song);
  const clip = await loadClip(song, model.model, { longestHeldSeconds: heldSeconds + 11 });
  const [whole] = await model.hiddenStates([clip.sound as Float32Array]);
  expect(maxDifference(values, whole!.values)).toBeLessThan(2e-5);
  expect(provenance.windows).toBeUndefined();
  expect(provenance.deviations).toEqual([]);
});

test("a run interrupted in the middle of a file leaves no output for it, and the next run completes it", async () => {
  const out = join(folder, "out");
  const controller = new AbortController();
  let runs = 0;
  onTransformerRun = () => {
    if (++runs === 3) controller.abort(new Error("enough"));
  };
  const options = { out, windowSeconds: 5, overlapSeconds: 1 };
  const results = [];
  for await (const result of embedFiles(model, [song], { ...options, signal: controller.signal })) results.push(result);
  onTransformerRun = () => {};
  expect(results).toEqual([]);
  expect(runs).toBe(3);
  expect((await readdir(out)).filter((name) => name.includes("song"))).toEqual([]);

  for await (const result of embedFiles(model, [song], options)) results.push(result);
  expect(results).toMatchObject([{ status: "done", shape: [4, 2999, 16] }]);
  const written = toFloat32(parseNpy(await readFile(join(out, "song.npy"))));
  expect(maxDifference(written, (await embed(model, song, { windowSeconds: 5, overlapSeconds: 1 })).values)).toBe(0);
  const sidecar = JSON.parse(await readFile(join(out, "song.json"), "utf8")) as Record<string, unknown>;
  expect(sidecar.windows).toEqual({ count: 10, windowSeconds: 5, overlapSeconds: 1 });
});

test("a long file under the budget is decoded once, and what it reserved is returned", async () => {
  const copy = join(folder, "decoded-once.wav");
  await writeFile(copy, await readFile(song));
  const samples = 24_000 * (heldSeconds + 10);
  const budget = new SoundBudget(samples);
  const clip = await loadClip(copy, model.model, { budget });
  const second = await loadClip(copy, model.model, { budget }); // finds the budget spent
  await rm(copy);
  const read = async ({ sound }: LoadedClip) => {
    let count = 0;
    for await (const piece of (sound as LongClip).pieces()) count += piece.length;
    return count;
  };
  expect(await read(clip)).toBe(samples);
  await expect(read(second)).rejects.toThrow(/decoded-once.wav/);
  expect(budget.reserve(1)).toBe(false);
  clip.release();
  second.release();
  expect(budget.reserve(samples)).toBe(true);
});

test("a file that changes between its two readings ends the run", async () => {
  const copy = join(folder, "changing.wav");
  await writeFile(copy, await readFile(song));
  let runs = 0;
  const bytes = await readFile(song);
  const clip = await loadClip(copy, model.model, { budget: new SoundBudget(0) });
  await writeFile(copy, bytes.subarray(0, bytes.length / 2));
  if (clip.sound instanceof Float32Array) throw new Error("unreachable");
  const reading = async () => {
    for await (const _ of model.stream(clip.sound, { layers: [0], windowSeconds: 5 })) runs++;
  };
  await expect(reading()).rejects.toThrow(/samples at first and \d+ when it was read again/);
  expect(runs).toBeGreaterThan(0);
});
