// The golden models of part A as cases that any engine can be asked: inputs in, every hidden state compared.
import { readdirSync } from "node:fs";
import { type HostTensor, hostTensor, toFloat32 } from "../src/base/dtypes.ts";
import { fileSource } from "../src/base/files.node.ts";
import { checkpointWeights } from "../src/checkpoint/weights.ts";
import { openSafetensors } from "../src/formats/safetensors.ts";
import { architectureFromHf } from "../src/models/index.ts";
import type { Engine, Values } from "../src/ops/program.ts";
import { chainProgram } from "../src/ops/stage.ts";
import { goldenArray, goldenJson, goldenPath, maxDifference } from "./golden.ts";

export const goldenModels = readdirSync(goldenPath("A_models")).sort();
export const goldenCases = ["single_exact", "single_odd", "min_400", "len_719", "padded_mask", "padded_nomask", "time_masked"] as const;

export async function openGoldenModel(name: string, weightsFile = "model.safetensors") {
  const preprocessor = goldenJson<{ sampling_rate: number }>(`A_models/${name}/preprocessor_config.json`);
  const architecture = architectureFromHf(goldenJson(`A_models/${name}/config.json`), preprocessor.sampling_rate);
  const file = await openSafetensors(await fileSource(goldenPath(`A_models/${name}/${weightsFile}`)));
  return { ...architecture, weights: checkpointWeights(file, architecture.keys), close: () => file.close() };
}

const int32 = (values: number[]): HostTensor => ({
  dtype: "int32",
  shape: [values.length],
  bytes: new Uint8Array(Int32Array.from(values).buffer),
});

/** Runs a golden case as the original does, and gives the largest absolute difference of each output. */
export async function goldenErrors(
  engine: Engine,
  name: string,
  caseName: (typeof goldenCases)[number],
  weightsFile?: string,
): Promise<Record<string, number>> {
  const { model, weights, close } = await openGoldenModel(name, weightsFile);
  const folder = `A_models/${name}/cases/${caseName}`;
  const files = readdirSync(goldenPath(folder));
  const meta = goldenJson<{ input: string; valid_frames?: number[] }>(`${folder}/meta.json`);
  const input = goldenArray(files.includes("input.npy") ? `${folder}/input.npy` : `A_models/${name}/cases/${meta.input}`);
  const values: Values = { x: hostTensor(input.data, input.shape) };
  if (files.includes("attention_mask.npy")) {
    const mask = goldenArray(`${folder}/attention_mask.npy`);
    const [rows, samples] = mask.shape as [number, number];
    const valid = Array.from({ length: rows }, (_, row) =>
      mask.data.subarray(row * samples, (row + 1) * samples).reduce((sum, v) => sum + v, 0),
    );
    values.frames = int32(valid.map((count) => model.frameCount(count)));
  }
  if (files.includes("mask_time_indices.npy")) {
    const mask = goldenArray(`${folder}/mask_time_indices.npy`);
    values.timeMask = { dtype: "bool", shape: mask.shape, bytes: Uint8Array.from(mask.data) };
  }
  const taps = ["conv_features", "projected", "cqt_features"].filter((tap) => files.includes(`${tap}.npy`));
  const session = await engine.prepare(
    chainProgram(name, model.stages, {
      input: { dtype: "float32", shape: ["batch", "samples"] },
      outputs: [...taps, ...model.hiddenStates],
      padding: "original",
      with: { frames: "frames" in values, timeMask: "timeMask" in values },
    }),
    weights,
  );
  await close();
  const outputs = await session.run(values);
  await session.dispose();
  const errors = Object.fromEntries(
    taps.map((tap) => [tap, maxDifference(toFloat32(outputs[tap]!), goldenArray(`${folder}/${tap}.npy`).data)]),
  );
  const hidden = goldenArray(`${folder}/hidden_states.npy`);
  const size = hidden.data.length / hidden.shape[0]!;
  errors.hidden_states = Math.max(
    ...model.hiddenStates.map((stage, i) => maxDifference(toFloat32(outputs[stage]!), hidden.data.subarray(i * size, (i + 1) * size))),
  );
  return errors;
}
