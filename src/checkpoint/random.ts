// Random weights for a model of any configuration, initialised as its authors do.

import { NotFoundError } from "../base/errors.ts";
import { hostTensor } from "../base/host-tensor.ts";
import { seeded } from "../base/random.ts";
import type { LazyTensor } from "../formats/tensor-file.ts";
import { type Model, modelParams } from "../models/model.ts";
import { initialise } from "../ops/params.ts";
import type { WeightReader } from "../ops/program.ts";

/** Random weights. Each depends on the seed and its own name alone, not on the order of reading. */
export function randomWeights(model: Model, seed: number): WeightReader {
  const specs = modelParams(model);
  return {
    async read(name) {
      const spec = specs[name];
      if (!spec) throw new NotFoundError(`The model has no weight ${name}.`);
      return hostTensor(initialise(spec, seeded(seed ^ hash(name))), spec.shape);
    },
  };
}

/** The same weights as tensors for a checkpoint writer, which are drawn one at a time. */
export function randomTensors(model: Model, seed: number): LazyTensor[] {
  const weights = randomWeights(model, seed);
  return Object.entries(modelParams(model)).map(([name, { shape }]) => ({ name, dtype: "float32", shape, read: () => weights.read(name) }));
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}
