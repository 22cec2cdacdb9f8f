// Do full-size models equal transformers, layer by layer? Random checkpoints of the published shapes go through both, from the same folder.
// Run: npm run check:parity (needs a python3 with torch and transformers, or OSTINATO_PYTHON). Writes bench/results/full-size-parity.json.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPython } from "../measure/peer.ts";
import { writeResults } from "../measure/results.ts";
import { shapes } from "../measure/shapes.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import { randomTensors } from "../src/checkpoint/random.ts";
import { safetensorsChunks } from "../src/formats/safetensors.ts";
import { loadModel } from "../src/inference/load.node.ts";
import { verifyModel } from "../src/inference/verify.node.ts";
import { architectureFromHf } from "../src/models/index.ts";

const python = findPython(["torch", "transformers"]);
if (!python) throw new Error("check:parity needs a python3 with torch and transformers. Name one in OSTINATO_PYTHON.");
const seconds = 5;
const models = {
  "MERT-v1-95M": shapes["95M"],
  "MERT-v1-330M": shapes["330M"],
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
    const loaded = await loadModel(folder);
    const { shape, reference, layers } = await verifyModel(loaded, folder, { folder: join(folder, "verify"), seconds });
    await loaded.dispose();
    const worst = Math.max(...layers.map(({ maxError }) => maxError));
    rows.push({ model: name, reference, seconds, shape, worst, layers });
    console.log(
      `${name}: [${shape.join(", ")}], worst absolute difference ${worst.toExponential(2)}, lowest cosine ${Math.min(...layers.map((l) => l.cosine)).toFixed(9)}`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
writeResults("full-size-parity", {
  by: import.meta.url,
  question: "largest difference from transformers' hidden states, random weights of the published shapes",
  versions: { reference: rows[0]!.reference },
  rows,
});
process.exit(rows.every((row) => row.worst < 1e-3) ? 0 : 1);
