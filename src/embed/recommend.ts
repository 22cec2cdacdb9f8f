// Recommended layers: which hidden states make one vector for a clip where nobody chose.
import type { LoadedModel } from "../inference/load.node.ts";
import type { LayerAverage } from "../inference/pooling.ts";

/** Layers to take, and why. */
export interface RecommendedLayers {
  readonly layers: readonly number[];
  /** How several layers become one. */
  readonly average: LayerAverage;
  /** One sentence for people and provenance. */
  readonly reason: string;
}

/** The layer that the registry names, with the source of the measurement; for other models the mean over all hidden states. */
export function recommendedLayers({
  name,
  model,
  registryEntry,
}: Pick<LoadedModel, "name" | "model" | "registryEntry">): RecommendedLayers {
  const measured = registryEntry?.recommendedLayer;
  if (measured) {
    const { layer, source } = measured;
    return { layers: [layer], average: equalWeights(1), reason: `Layer ${layer} of ${name} is taken, as measured: ${source}.` };
  }
  const count = model.layers + 1;
  return {
    layers: Array.from({ length: count }, (_, layer) => layer),
    average: equalWeights(count),
    reason: `The mean over all ${count} hidden states of ${name} is taken: no measurement names a best layer yet.`,
  };
}

function equalWeights(count: number): LayerAverage {
  return { kind: "unconstrained", weights: new Array<number>(count).fill(1 / count), bias: 0 };
}
