// What does a smaller dtype cost, layer by layer? Cosine to float32 of every hidden state, on synthesised music through random weights of a
// published shape. Run: npm run bench:dtype [-- --shapes 95M --seconds 5 --choices onnx-fp16,onnx-q8,onnx-q4,torch-bf16]
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { writeResults } from "../measure/results.ts";
import { type ShapeName, shapes } from "../measure/shapes.ts";
import { downmix } from "../src/audio/waveform.ts";
import type { ModelDtype } from "../src/base/dtypes.ts";
import { randomWeights } from "../src/checkpoint/random.ts";
import { chooseEngine } from "../src/inference/choose-engine.node.ts";
import { compareStates } from "../src/inference/compare.ts";
import { createEncoder } from "../src/inference/encoder.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { shortSong } from "../src/synth/short-song.ts";

const { values: options } = parseArgs({
  options: {
    shapes: { type: "string", default: "95M,330M" },
    seconds: { type: "string", default: "5" },
    choices: { type: "string", default: "onnx-fp16,onnx-q8,onnx-q4,torch-bf16" },
  },
});
const seconds = Number(options.seconds);
const seeds = [1, 2, 3];

const versions: Record<string, string> = {};
const rows: object[] = [];
for (const shape of options.shapes.split(",") as ShapeName[]) {
  const { model } = architectureFromHf(shapes[shape]);
  const clips = seeds.map((seed) => downmix(shortSong({ seconds, sampleRateHz: model.sampleRateHz, seed })));
  const statesOf = async (engine: "onnx" | "torch", dtype: ModelDtype) => {
    const chosen = await chooseEngine({ engine, dtype, device: "cpu", threads: availableParallelism() });
    const encoder = createEncoder(model, chosen.engine, randomWeights(model, 1), { normaliseInput: false });
    const states = [];
    for (const clip of clips) states.push(...(await encoder.hiddenStates([clip]))); // one at a time: q8 takes clips of one length
    await encoder.dispose();
    return { states, version: chosen.version };
  };
  const { states: exact } = await statesOf("onnx", "fp32");
  for (const choice of options.choices.split(",")) {
    const [engine, dtype] = choice.split("-") as ["onnx" | "torch", ModelDtype];
    const { states, version } = await statesOf(engine, dtype);
    const cosines = states.map(({ values, layers }, i) => compareStates(values, exact[i]!.values, layers.length).cosines);
    const lowest = cosines[0]!.map((_, layer) => Number(Math.min(...cosines.map((clip) => clip[layer]!)).toFixed(6)));
    versions[engine === "onnx" ? "onnxruntime" : "libtorch"] = version;
    rows.push({ shape, engine, version, dtype, seconds, seeds, lowestCosinePerLayer: lowest });
    console.log(`${shape} ${engine} ${version} ${dtype}: ${lowest.map((value) => value.toFixed(5)).join(" ")}`);
  }
}
writeResults("dtype", {
  by: import.meta.url,
  question: "the lowest cosine to float32 of every hidden state, synthesised music through random weights (seed 1)",
  versions,
  rows,
});
