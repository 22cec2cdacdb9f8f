// Do full-size models equal transformers, layer by layer? Random checkpoints of the published shapes go through both, from the same folder.
// Run: npm run check:parity (needs a python3 with torch and transformers, or OSTINATO_PYTHON). Keeps bench/results/full-size-parity.json.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPython, keepResults, machine } from "../bench/measure.ts";
import { shapes } from "../bench/shapes.ts";
import { resample } from "../src/audio/resample.ts";
import { synthesise } from "../src/audio/synth.ts";
import { downmix } from "../src/audio/waveform.ts";
import { hostTensor, toFloat32 } from "../src/base/dtypes.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import { randomTensors } from "../src/checkpoint/random.ts";
import { npyBytes, parseNpy } from "../src/formats/npy.ts";
import { safetensorsChunks } from "../src/formats/safetensors.ts";
import { loadModel } from "../src/inference/load.node.ts";
import { architectureFromHf } from "../src/models/index.ts";

const python = findPython(["torch", "transformers"]);
if (!python) throw new Error("check:parity needs a python3 with torch and transformers. Name one in OSTINATO_PYTHON.");
const seconds = 5;
const models = {
  "MERT-v1-95M": { ...shapes["95M"], model_type: "hubert", feat_extract_norm: "group" },
  "MERT-v1-330M": { ...shapes["330M"], model_type: "hubert", feat_extract_norm: "group" },
  "music2vec-v1": { model_type: "data2vec-audio", sample_rate: 16000 },
};
const rows = [];
for (const [name, config] of Object.entries(models)) {
  const folder = await mkdtemp(join(tmpdir(), "ostinato-parity-"));
  try {
    const { model } = architectureFromHf(config, config.sample_rate);
    await writeAtomic(join(folder, "config.json"), JSON.stringify(config));
    await writeAtomic(join(folder, "preprocessor_config.json"), JSON.stringify({ do_normalize: false, sampling_rate: config.sample_rate }));
    await writeAtomic(join(folder, "model.safetensors"), safetensorsChunks(randomTensors(model, 7), { format: "pt" }));
    const music = synthesise({ seconds, seed: 3 });
    const waveform = resample(downmix(music), { from: music.sampleRateHz, to: model.sampleRateHz });
    await writeAtomic(join(folder, "waveform.npy"), npyBytes(hostTensor(waveform, [1, waveform.length])));
    execFileSync(
      python,
      [fileURLToPath(new URL("./reference.py", import.meta.url)), folder, join(folder, "waveform.npy"), join(folder, "reference.npy")],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    const reference = toFloat32(parseNpy(new Uint8Array(await readFile(join(folder, "reference.npy"))), "reference.npy"));
    const loaded = await loadModel(folder);
    const [states] = await loaded.hiddenStates([waveform]);
    await loaded.dispose();
    const size = states!.frames * states!.width;
    const layers = states!.layers.map((layer, i) =>
      compare(layer, states!.values.subarray(i * size, (i + 1) * size), reference.subarray(i * size, (i + 1) * size)),
    );
    const worst = Math.max(...layers.map((layer) => layer.maxError));
    rows.push({ model: name, seconds, shape: [states!.layers.length, states!.frames, states!.width], worst, layers });
    console.log(
      `${name}: ${states!.layers.length} layers x ${states!.frames} frames x ${states!.width}, worst absolute difference ${worst.toExponential(2)}, lowest cosine ${Math.min(...layers.map((l) => l.cosine)).toFixed(9)}`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
keepResults("full-size-parity", {
  question: "largest difference from transformers' hidden states, random weights of the published shapes",
  machine: machine(),
  rows,
});
process.exit(rows.every((row) => row.worst < 1e-3) ? 0 : 1);

function compare(layer: number, ours: Float32Array, theirs: Float32Array) {
  let [maxError, dot, a, b] = [0, 0, 0, 0];
  ours.forEach((x, i) => {
    const y = theirs[i]!;
    maxError = Math.max(maxError, Math.abs(x - y));
    dot += x * y;
    a += x * x;
    b += y * y;
  });
  return { layer, maxError, rms: Math.sqrt(b / theirs.length), cosine: dot / Math.sqrt(a * b) };
}
