// Does transformers.js load what `ostinato export <model> <folder>` writes, and compute the same hidden states? It takes 470 MB with its
// runtimes, so it is not among this project's packages. Install it elsewhere:
//   mkdir /tmp/tjs && cd /tmp/tjs && npm install --ignore-scripts @huggingface/transformers@4.3.1
// Run: npm run check:transformers-js -- /tmp/tjs. Writes bench/results/transformers-js.json; ends with 1 where float32 differs by more than 1e-4.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { writeResults } from "../measure/results.ts";
import { resample } from "../src/audio/resample.ts";
import { downmix } from "../src/audio/waveform.ts";
import { exportFolder } from "../src/checkpoint/export-folder.node.ts";
import { openCheckpointPath } from "../src/checkpoint/read.node.ts";
import { checkpointWeights } from "../src/checkpoint/weights.ts";
import { embed } from "../src/embed/embed.ts";
import type { OnnxDtype } from "../src/engines/onnx/weight-forms.ts";
import { loadModel } from "../src/inference/load.node.ts";
import { shortSong } from "../src/synth/short-song.ts";
import { goldenPath, maxDifference } from "../test/fixtures/golden.ts";
import { goldenModels } from "../test/fixtures/golden-models.ts";

/** The part of transformers.js that is used here. */
interface TransformersJs {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  readonly AutoModel: Loader<(inputs: object) => Promise<{ last_hidden_state: { dims: number[]; data: Float32Array } }>>;
  readonly AutoProcessor: Loader<(samples: Float32Array) => Promise<object>>;
}
interface Loader<T> {
  from_pretrained(name: string, options?: object): Promise<T>;
}

const installed = process.argv[2];
if (!installed) throw new Error("Give the folder in which @huggingface/transformers is installed: see the head of this file.");
const packageFolder = join(installed, "node_modules/@huggingface/transformers");
const { version } = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8")) as { version: string };
const library = (await import(pathToFileURL(join(packageFolder, "dist/transformers.node.mjs")).href)) as TransformersJs;

const root = await mkdtemp(join(tmpdir(), "ostinato-tjs-"));
library.env.allowRemoteModels = false;
library.env.localModelPath = `${root}/`;
const music = downmix(shortSong({ seconds: 2, sampleRateHz: 48_000, seed: 3 }));

/** Exports, loads with transformers.js, and compares the last hidden state with that of `embed`. */
async function compare(name: string, dtype: OnnxDtype, external: boolean) {
  const model = await loadModel(goldenPath(`A_models/${name}`), { threads: 1 });
  const file = await openCheckpointPath(goldenPath(`A_models/${name}`));
  const folder = `${name}-${dtype}-${external}`;
  const { architecture } = model;
  await exportFolder(join(root, folder), architecture, checkpointWeights(file, architecture.keys), {
    layers: [architecture.model.layers],
    metadata: {},
    normaliseInput: model.inputNormalisation.on,
    dtype,
    external,
  });
  const sampleRateHz = architecture.model.sampleRateHz;
  const samples = resample(music, { from: 48_000, to: sampleRateHz });
  const expected = await embed(model, { samples, sampleRateHz }, { layers: "last" });
  const processor = await library.AutoProcessor.from_pretrained(folder);
  const theirs = await library.AutoModel.from_pretrained(folder, { dtype });
  const { last_hidden_state: found } = await theirs(await processor(samples));
  await model.dispose();
  await file.close();
  const norm = Math.sqrt(expected.values.reduce((sum, x) => sum + x * x, 0) / expected.values.length);
  return {
    model: name,
    dtype,
    weightsOutside: external,
    dims: found.dims,
    difference: maxDifference(found.data, expected.values),
    rms: norm,
  };
}

const rows = [];
for (const name of goldenModels) rows.push(await compare(name, "fp32", false));
rows.push(await compare("mert_95m_24k", "fp32", true));
for (const dtype of ["fp16", "q8"] as const) rows.push(await compare("mert_95m_24k", dtype, false));
for (const row of rows) {
  const { model, dtype, weightsOutside, dims, difference, rms } = row;
  console.log(
    `${model} ${dtype}${weightsOutside ? ", weights outside" : ""}: [${dims}] difference ${difference.toExponential(1)} of rms ${rms.toFixed(2)}`,
  );
}
const worst = Math.max(...rows.filter(({ dtype }) => dtype === "fp32").map(({ difference }) => difference));
writeResults("transformers-js", {
  by: import.meta.url,
  question: "largest difference of transformers.js' last_hidden_state on an exported folder from our own, 2 s of music",
  versions: { "transformers.js": version },
  rows,
});
console.log(`transformers.js ${version}: worst difference in float32 ${worst.toExponential(1)}`);
await rm(root, { recursive: true });
process.exit(worst < 1e-4 ? 0 : 1);
