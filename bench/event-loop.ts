// How long does embedding block a server's thread? The longest delay of the event loop while models of the 95M shape load, warm up and embed
// clips, in this thread and in a worker thread, alternating.
//   npx tsx bench/event-loop.ts [rounds]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { writeAtomic } from "../src/base/files.node.ts";
import { hfPreprocessor } from "../src/checkpoint/convert.node.ts";
import { randomTensors } from "../src/checkpoint/random.ts";
import { embed } from "../src/embed/embed.ts";
import { safetensorsChunks } from "../src/formats/safetensors.ts";
import { loadModel } from "../src/inference/load.node.ts";
import { architectureFromHf } from "../src/models/index.ts";

const rounds = Number(process.argv[2] ?? 2);
const folder = await mkdtemp(join(tmpdir(), "ostinato-event-loop-"));
const { model, hfConfig } = architectureFromHf({ model_type: "mert_model", sample_rate: 24_000 });
await writeAtomic(join(folder, "config.json"), JSON.stringify(hfConfig));
await writeAtomic(join(folder, "preprocessor_config.json"), JSON.stringify(hfPreprocessor(24_000, false)));
await writeAtomic(join(folder, "model.safetensors"), safetensorsChunks(randomTensors(model, 1)));
const clip = { samples: Float32Array.from({ length: 5 * 24_000 }, (_, i) => Math.sin(i / 20) / 2), sampleRateHz: 24_000 };

/** Runs `work` and prints its time and the longest time in which the event loop stood. */
async function watched<T>(label: string, work: () => Promise<T>): Promise<T> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.reset();
  const began = performance.now();
  const result = await work();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  console.log(`${label}: ${(performance.now() - began - 20).toFixed(0)} ms, event loop blocked up to ${(delay.max / 1e6).toFixed(0)} ms`);
  return result;
}

for (let round = 0; round < rounds; round++) {
  for (const worker of [false, true]) {
    const where = worker ? "worker thread" : "this thread";
    const loaded = await watched(`${where}, loadModel`, () => loadModel(folder, { worker, onNotice: () => {} }));
    for (const which of ["first", "second"])
      await watched(`${where}, ${which} embed of 5 s`, () => embed(loaded, clip, { pooling: "mean" }));
    await loaded.dispose();
  }
  const warm = await watched("worker thread, loadModel with warmUp", () =>
    loadModel(folder, { worker: true, warmUp: true, onNotice: () => {} }),
  );
  await watched("worker thread, first embed of 5 s", () => embed(warm, clip, { pooling: "mean" }));
  await warm.dispose();
}
await rm(folder, { recursive: true });
