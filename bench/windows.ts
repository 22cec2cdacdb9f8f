// How far do hidden states computed in windows of attention differ from those of the whole clip? By layer, window and overlap, for the 95M shape.
// Run: npm run bench:windows [-- --clips 2,5 (minutes)]. Writes bench/results/windows.json; `npm run pictures` draws it.
import { parseArgs } from "node:util";
import { writeResults } from "../measure/results.ts";
import { shapes } from "../measure/shapes.ts";
import { downmix } from "../src/audio/waveform.ts";
import { randomWeights } from "../src/checkpoint/random.ts";
import { onnxEngine } from "../src/engines/onnx/engine.node.ts";
import { chooseEngine } from "../src/inference/choose-engine.node.ts";
import { stageChain } from "../src/inference/stage-chain.ts";
import { architectureFromHf } from "../src/models/index.ts";
import type { WeightReader } from "../src/ops/program.ts";
import { shortSong } from "../src/synth/short-song.ts";
import { deviationOf, type WindowDeviation } from "./window-deviation.ts";

const { values: options } = parseArgs({ options: { clips: { type: "string", default: "2,5" } } });
const rate = 24_000;
const { model } = architectureFromHf(shapes["95M"]);
/** Window and overlap in seconds, and the longest clip in minutes that they are measured on. */
const settings = [
  [10, 1, 2],
  [10, 5, 2],
  [30, 1, 2],
  [30, 5, 5],
  [30, 10, 2],
  [60, 1, 2],
  [60, 5, 2],
  [60, 10, 2],
] as const;
/** The factor on the weights of queries and keys. Attention with random weights is nearly uniform; a factor of 4 makes it peaked, as training does. */
const attentions = { diffuse: 1, peaked: 4 } as const;

interface Row {
  readonly minutes: number;
  readonly attention: keyof typeof attentions;
  readonly window: number;
  readonly overlap: number;
  readonly layers: readonly WindowDeviation[];
}

function sharpened(weights: WeightReader, factor: number): WeightReader {
  return {
    async read(name) {
      const tensor = await weights.read(name);
      if (factor === 1 || !/\.(q|k)_proj\.weight$/.test(name)) return tensor;
      const values = new Float32Array(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength / 4).map(
        (value) => factor * value,
      );
      return { ...tensor, bytes: new Uint8Array(values.buffer) };
    },
  };
}

const rows: Row[] = [];
for (const minutes of options.clips.split(",").map(Number)) {
  const music = downmix(shortSong({ seconds: 60 * minutes, sampleRateHz: rate, seed: 1 }));
  for (const [attention, factor] of Object.entries(attentions) as ["diffuse" | "peaked", number][]) {
    const chain = stageChain(model, onnxEngine(), sharpened(randomWeights(model, 1), factor));
    const whole = await deviationOf(model, chain, music);
    for (const [window, overlap, longest] of settings) {
      if (minutes > longest) continue;
      const layers = await whole.of({ windowSeconds: window, overlapSeconds: overlap });
      rows.push({ minutes, attention, window, overlap, layers });
      const shown = layers.map(({ relative }) => (100 * relative).toPrecision(2)).join(" ");
      console.log(`${minutes} min, ${attention}, window ${window} s, overlap ${overlap} s: % by layer ${shown}`);
    }
    await chain.dispose();
  }
}
writeResults("windows", {
  by: import.meta.url,
  question:
    "deviation of hidden states in windows from those of the whole clip, synthesised music through the 95M shape, random weights (seed 1)",
  versions: { onnxruntime: (await chooseEngine({ engine: "onnx" })).version },
  rows,
});
