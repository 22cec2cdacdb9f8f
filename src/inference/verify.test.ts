// Verify, without Python: the script is written, and a reference made elsewhere is compared.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { goldenPath } from "../../test/fixtures/golden.ts";
import { resample } from "../audio/resample.ts";
import { downmix } from "../audio/waveform.ts";
import { writeAtomic } from "../base/files.node.ts";
import { hostTensor } from "../base/host-tensor.ts";
import { npyBytes } from "../formats/npy.ts";
import { shortSong } from "../synth/short-song.ts";
import { type LoadedModel, loadModel } from "./load.node.ts";
import { verifyModel } from "./verify.node.ts";

const modelFolder = goldenPath("A_models/mert_95m_24k");
let folder: string;
let model: LoadedModel;
beforeAll(async () => {
  vi.stubEnv("OSTINATO_PYTHON", "no-such-python");
  folder = await mkdtemp(join(tmpdir(), "ostinato-verify-"));
  model = await loadModel(modelFolder, { threads: 1 });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await model.dispose();
  await rm(folder, { recursive: true, force: true });
});

test("without Python the script is written, and the message says how to run it elsewhere", async () => {
  await expect(verifyModel(model, modelFolder, { folder, seconds: 1 })).rejects.toThrow(
    /run it in .*\n {2}python3 reference\.py\nthen run `ostinato verify` again/,
  );
  expect(await readFile(join(folder, "reference.py"), "utf8")).toContain("transformers.HubertModel.from_pretrained");
});

test("a reference made elsewhere is compared layer by layer, and the result kept", async () => {
  const music = shortSong({ seconds: 1, seed: 1 });
  const waveform = resample(downmix(music), { from: music.sampleRateHz, to: 24000 });
  const { values, layers, frames, width } = (await model.hiddenStates([waveform]))[0]!;
  const keepReference = async (offset: number) => {
    const shifted = values.map((x, i) => (i === 3 * frames * width ? x + offset : x)); // in the last layer
    await writeAtomic(join(folder, "reference.npy"), npyBytes(hostTensor(shifted, [layers.length, frames, width])));
    await writeAtomic(join(folder, "reference.txt"), "transformers elsewhere");
  };
  await keepReference(0);
  expect(await verifyModel(model, modelFolder, { folder, seconds: 1 })).toMatchObject({ equal: true, reference: "transformers elsewhere" });
  await keepReference(0.5);
  const different = await verifyModel(model, modelFolder, { folder, seconds: 1 });
  expect(different.equal).toBe(false);
  expect(different.layers.filter(({ maxError }) => maxError > 0.4).map(({ layer }) => layer)).toEqual([3]);
  expect(JSON.parse(await readFile(join(folder, "result.json"), "utf8"))).toEqual(different);
});
