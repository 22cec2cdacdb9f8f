// The page under test: calls `ostinato/browser` for the test, which sends its requests through `window.ask`.
import { decodeInThisThread } from "../../src/audio/decode.ts";
import { toFloat32 } from "../../src/base/host-tensor.ts";
import {
  type Comparison,
  downmix,
  loadAudio,
  loadModelFromFiles,
  loadModelFromUrl,
  type WebLoadOptions,
  type WebModel,
} from "../../src/browser.ts";
import { threadsAllowed } from "../../src/engines/onnx/engine.web.ts";
import { parseNpy } from "../../src/formats/npy.ts";

const bytesOf = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer());
const arrayOf = async (path: string) => {
  const tensor = parseNpy(await bytesOf(path), path);
  return { shape: tensor.shape, data: toFloat32(tensor) };
};
const jsonOf = async (path: string) => (await fetch(path)).json();

const told: string[] = [];
const always = { runtimeFiles: "/ort", warn: (message: string) => void told.push(message) };

export interface Ran {
  readonly backend: string;
  readonly backendReason: string;
  readonly threads: number;
  readonly milliseconds: number;
  readonly worst: Readonly<Record<string, number>>;
  readonly comparison?: Comparison;
  readonly told: readonly string[];
}

/** Largest absolute difference of each golden case's hidden states. */
async function runGolden(name: string, cases: readonly string[], options: WebLoadOptions = {}): Promise<Ran> {
  const started = performance.now();
  told.length = 0;
  const folder = `/golden/A_models/${name}/`;
  const model = await loadModelFromUrl(folder, { inputNorm: "off", padding: "original", ...always, ...options });
  const worst: Record<string, number> = {};
  for (const each of cases) worst[each] = await goldenError(model, folder, each);
  await model.dispose();
  return facts(model, worst, started);
}

function facts(model: WebModel, worst: Record<string, number>, started: number): Ran {
  const { backend, backendReason, threads, comparison } = model;
  const milliseconds = Math.round(performance.now() - started);
  return { backend, backendReason, threads, milliseconds, worst, ...(comparison && { comparison }), told: [...told] };
}

async function goldenError(model: WebModel, folder: string, name: string): Promise<number> {
  const { input } = await jsonOf(`${folder}cases/${name}/meta.json`);
  const { shape, data } = await arrayOf(`${folder}cases/${input}`);
  const [rows, samples] = shape as [number, number];
  const states = await model.hiddenStates(Array.from({ length: rows }, (_, row) => data.subarray(row * samples, (row + 1) * samples)));
  const wanted = await arrayOf(`${folder}cases/${name}/hidden_states.npy`); // [layers, rows, frames, width]
  const [layers, , frames, width] = wanted.shape as [number, number, number, number];
  const size = frames * width;
  let worst = 0;
  for (let layer = 0; layer < layers; layer++) {
    for (let row = 0; row < rows; row++) {
      const found = states[row]!.values.subarray(layer * size, (layer + 1) * size);
      const right = wanted.data.subarray((layer * rows + row) * size, (layer * rows + row + 1) * size);
      for (let i = 0; i < size; i++) worst = Math.max(worst, Math.abs((found[i] ?? Number.NaN) - right[i]!));
    }
  }
  return worst;
}

/** A user's files instead of an address: mixed lengths in a batch, each held to its single run. */
async function runFiles(name: string): Promise<number> {
  const names = ["config.json", "preprocessor_config.json", "model.safetensors"];
  const files = await Promise.all(names.map(async (file) => new File([await bytesOf(`/golden/A_models/${name}/${file}`)], file)));
  const model = await loadModelFromFiles(files, { backend: "wasm", ...always });
  const { data } = await arrayOf(`/golden/A_models/${name}/cases/single_odd/input.npy`);
  const clips = [data, data.subarray(0, 719), data.subarray(0, 3000)];
  const together = await model.hiddenStates(clips);
  let worst = 0;
  for (const [i, clip] of clips.entries()) {
    const [alone] = await model.hiddenStates([clip]);
    alone!.values.forEach((value, at) => {
      worst = Math.max(worst, Math.abs(value - together[i]!.values[at]!));
    });
  }
  await model.dispose();
  return worst;
}

const hash = async (samples: Float32Array) =>
  Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", samples.slice())), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A recording decoded, and loaded for a model: told by the hashes of its samples. */
async function runDecode(path: string) {
  const bytes = await bytesOf(path);
  const started = performance.now();
  const { format, sampleRateHz, channels } = await decodeInThisThread(bytes, { name: path });
  const milliseconds = performance.now() - started;
  const { samples } = await loadAudio(new Blob([bytes]), { sampleRateHz: 24000, startSeconds: 0.5, seconds: 1 });
  const seconds = channels[0]!.length / sampleRateHz;
  return { format, sampleRateHz, seconds, milliseconds, decoded: await hash(downmix({ channels })), loaded: await hash(samples) };
}

/** What an error says to the user of a page. */
async function runMistake(folder: string, options: WebLoadOptions = {}): Promise<string> {
  try {
    const model = await loadModelFromUrl(folder, { ...always, ...options });
    await model.hiddenStates([new Float32Array(4000)]);
    return "no error";
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

const ask = {
  runGolden,
  runFiles,
  runDecode,
  runMistake,
  isolated: () => ({ threadsAllowed: threadsAllowed(), cores: navigator.hardwareConcurrency }),
};
export type Ask = typeof ask;
Object.assign(window, { ask });
