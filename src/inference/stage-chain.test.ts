// The chain of stages on an engine whose sessions hold their own weights: every choice of layers shares them.
import { expect, test } from "vitest";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { openGoldenModel } from "../../test/fixtures/golden-models.ts";
import { fillGaussian, seeded } from "../base/random.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import type { Engine, WeightReader } from "../ops/program.ts";
import { createEncoder } from "./encoder.ts";

const noise = (samples: number) => fillGaussian(seeded(samples), new Float32Array(samples), 0.3);

/** Counts how often each weight is read, and the sessions that are ready. */
function counted(engine: Engine, weights: WeightReader) {
  const reads = new Map<string, number>();
  const state = { sessions: 0 };
  const countedEngine: Engine = {
    ...engine,
    async prepare(program, given) {
      const session = await engine.prepare(program, given);
      state.sessions++;
      const dispose = () => {
        state.sessions--;
        return session.dispose();
      };
      return { run: (...given) => session.run(...given), dispose };
    },
  };
  const reader: WeightReader = {
    read(name) {
      reads.set(name, (reads.get(name) ?? 0) + 1);
      return weights.read(name);
    },
  };
  return { engine: countedEngine, weights: reader, reads, state };
}

test.each(["mert_95m_24k", "mert_330m_24k", "music2vec_data2vec_16k"])(
  "%s reads each weight once for all choices of layers",
  async (name) => {
    const { model, weights, close } = await openGoldenModel(name);
    const given = counted(onnxEngine({ threads: 1 }), weights);
    const encoder = createEncoder(model, given.engine, given.weights, { normaliseInput: true });
    const wave = noise(9000);
    const [all] = await encoder.hiddenStates([wave]);
    for (const layers of [[0], [1], [model.layers], [0, 2]]) {
      const [some] = await encoder.hiddenStates([wave], layers);
      const size = all!.frames * all!.width;
      for (const [i, layer] of layers.entries()) {
        const difference = maxDifference(
          some!.values.subarray(i * size, (i + 1) * size),
          all!.values.subarray(layer * size, (layer + 1) * size),
        );
        expect(difference).toBe(0);
      }
    }
    expect(Math.max(...given.reads.values())).toBe(1);
    expect(given.state.sessions).toBeLessThanOrEqual(1 + Math.ceil((model.stages.length - 1) / 4));
    await encoder.dispose();
    expect(given.state.sessions).toBe(0);
    await close();
  },
);

test("after a padded batch, batches without padding use the same sessions, with the same results", async () => {
  const { model, weights, close } = await openGoldenModel("mert_95m_24k");
  const given = counted(onnxEngine({ threads: 1 }), weights);
  const encoder = createEncoder(model, given.engine, given.weights, { normaliseInput: true });
  const [long, short] = [noise(9000), noise(5000)];
  const [before] = await encoder.hiddenStates([long]);
  const [padded] = await encoder.hiddenStates([long, short]);
  const [after] = await encoder.hiddenStates([long]);
  expect(maxDifference(padded!.values, before!.values)).toBeLessThan(1e-5);
  expect(maxDifference(after!.values, before!.values)).toBeLessThan(1e-5);
  await encoder.hiddenStates([long, short]);
  expect(Math.max(...given.reads.values())).toBe(2); // without lengths, then with them
  expect(given.state.sessions).toBeLessThanOrEqual(1 + Math.ceil((model.stages.length - 1) / 4));
  await encoder.dispose();
  await close();
});

test("layers chosen one after the other from the lowest never load a weight twice", async () => {
  const { model, weights, close } = await openGoldenModel("mert_330m_24k");
  const given = counted(onnxEngine({ threads: 1 }), weights);
  const encoder = createEncoder(model, given.engine, given.weights, { normaliseInput: true });
  for (let round = 0; round < 2; round++) {
    for (let layer = 0; layer <= model.layers; layer++) await encoder.hiddenStates([noise(5000)], [layer]);
  }
  expect(Math.max(...given.reads.values())).toBe(1);
  await encoder.dispose();
  await close();
});

test("calls at once with different layers and lengths have the results of calls one by one", async () => {
  const { model, weights, close } = await openGoldenModel("mert_95m_24k");
  const encoder = createEncoder(model, onnxEngine({ threads: 1 }), weights, { normaliseInput: true });
  const calls = [[0], [3], [1, 2], [2], [0, 3]].flatMap((layers, i) => [3000 + 1000 * i, 8000].map((samples) => ({ layers, samples })));
  const expected = [];
  for (const { layers, samples } of calls) expected.push((await encoder.hiddenStates([noise(samples)], layers))[0]!);
  const other = createEncoder(model, onnxEngine({ threads: 1 }), weights, { normaliseInput: true });
  const actual = await Promise.all(calls.map(({ layers, samples }) => other.hiddenStates([noise(samples)], layers)));
  for (const [i, [states]] of actual.entries()) expect(maxDifference(states!.values, expected[i]!.values)).toBe(0);
  await Promise.all([encoder.dispose(), other.dispose()]);
  await close();
});
