// A model in a worker thread: the same answers, errors and clean-up as in this one.
import { expect, test } from "vitest";
import { goldenPath } from "../../test/fixtures/golden.ts";
import { downmix } from "../audio/waveform.ts";
import { AudioError, ConfigError, TooShortError } from "../base/errors.ts";
import { shortSong } from "../synth/short-song.ts";
import { type LoadedModel, loadModel } from "./load.node.ts";
import type { FrameRun, LongClip } from "./long.ts";
import { longClip } from "./long.ts";

const folder = goldenPath("A_models/mert_95m_24k");
const options = { threads: 1, onNotice: () => {} };
const sound = downmix(shortSong({ seconds: 3, seed: 2, sampleRateHz: 24_000 }));
const runs = async (model: LoadedModel, clip: Float32Array | LongClip, signal?: AbortSignal): Promise<FrameRun[]> => {
  const all: FrameRun[] = [];
  for await (const run of model.stream(clip, { windowSeconds: 1, overlapSeconds: 0.2, signal })) all.push(run);
  return all;
};

test("gives the values of a model in this thread, and leaves the samples it is given", async () => {
  await using here = await loadModel(folder, options);
  await using there = await loadModel(folder, { ...options, worker: true, warmUp: true });
  expect(await there.hiddenStates([sound, sound.subarray(0, 5000)], [1, 3])).toEqual(
    await here.hiddenStates([sound, sound.subarray(0, 5000)], [1, 3]),
  );
  expect(await there.taps(sound, ["conv_features"])).toEqual(await here.taps(sound, ["conv_features"]));
  expect(await runs(there, sound)).toEqual(await runs(here, sound));
  expect(await runs(there, longClip(sound, here.model))).toEqual(await runs(here, longClip(sound, here.model)));
  expect(sound.length).toBe(72_000);
  expect([there.engine, there.dtype, await there.weightsSha256()]).toEqual([here.engine, here.dtype, await here.weightsSha256()]);
});

test("throws errors of the same classes, and goes on", async () => {
  await using model = await loadModel(folder, { ...options, worker: true });
  await expect(model.hiddenStates([new Float32Array(10)])).rejects.toThrow(TooShortError);
  await expect(model.hiddenStates([sound], [9])).rejects.toThrow(ConfigError);
  const long = longClip(sound, model.model);
  const shorter = { ...long, statistics: { ...long.statistics, samples: sound.length + 24_000 } };
  await expect(runs(model, shorter)).rejects.toThrow(AudioError);
  const broken: LongClip = {
    ...long,
    async *pieces() {
      yield sound.subarray(0, 9000);
      throw new AudioError("the disk was removed");
    },
  };
  await expect(runs(model, broken)).rejects.toThrow("the disk was removed");
  await expect(runs(model, sound, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  expect(await model.hiddenStates([sound], [0])).toHaveLength(1);
});

test("a stream that is left early frees its clip, and calls after dispose are refused", async () => {
  const model = await loadModel(folder, { ...options, worker: true });
  let closed = false;
  const long = longClip(sound, model.model);
  const clip: LongClip = {
    ...long,
    async *pieces() {
      try {
        for (let at = 0; at < sound.length; at += 6000) yield sound.subarray(at, at + 6000);
      } finally {
        closed = true;
      }
    },
  };
  for await (const { firstFrame } of model.stream(clip, { windowSeconds: 1 })) {
    expect(firstFrame).toBe(0);
    break;
  }
  expect(closed).toBe(true);
  const pending = model.hiddenStates([sound]);
  await Promise.all([model.dispose(), pending]);
  await expect(model.hiddenStates([sound])).rejects.toThrow("was disposed");
});
