// Comparison of two encoders on a short probe, layer by layer. The values themselves are compared, since half precision can be finite and wrong.
import { fillGaussian, seeded } from "../base/random.ts";
import type { Encoder } from "./encoder.ts";

/** Differences between the hidden states of two encoders. */
export interface Comparison {
  /** The cosine of each layer's values as one vector; 1 is equal. */
  readonly cosines: readonly number[];
  /** ‖a − b‖ / ‖b‖ of each layer, which a wrong scale changes, unlike the cosine. Infinity where a value is NaN. */
  readonly relativeErrors: readonly number[];
  readonly worstCosine: number;
  readonly worstRelativeError: number;
}

/** A test signal with energy at all frequencies and levels: an exponential sweep of rising amplitude over noise, from a fixed seed. */
export function probeSignal(sampleRateHz: number, seconds = 0.5): Float32Array {
  const samples = Math.ceil(seconds * sampleRateHz);
  const noise = fillGaussian(seeded(7), new Float32Array(samples), 0.02);
  const [low, high] = [60, 0.4 * sampleRateHz];
  return noise.map((value, i) => {
    const t = i / samples;
    const phase = (2 * Math.PI * low * seconds * ((high / low) ** t - 1)) / Math.log(high / low); // exponential sweep
    return value + (0.05 + 0.6 * t) * Math.sin(phase);
  });
}

/** Runs both encoders on the probe and compares the candidate with the reference. */
export async function compareEncoders(candidate: Encoder, reference: Encoder): Promise<Comparison> {
  const probe = probeSignal(candidate.model.sampleRateHz);
  const [actual] = await candidate.hiddenStates([probe]);
  const [expected] = await reference.hiddenStates([probe]);
  return compareStates(actual!.values, expected!.values, actual!.layers.length);
}

/** Compares two [layers, …] arrays layer by layer. */
export function compareStates(actual: Float32Array, expected: Float32Array, layers: number): Comparison {
  const size = expected.length / layers;
  const cosines: number[] = [];
  const relativeErrors: number[] = [];
  for (let layer = 0; layer < layers; layer++) {
    let [dot, actualSquares, expectedSquares, differenceSquares] = [0, 0, 0, 0];
    for (let i = layer * size; i < (layer + 1) * size; i++) {
      const [a, b] = [actual[i] ?? Number.NaN, expected[i]!];
      dot += a * b;
      actualSquares += a * a;
      expectedSquares += b * b;
      differenceSquares += (a - b) ** 2;
    }
    const cosine = dot / Math.sqrt(actualSquares * expectedSquares);
    const relative = Math.sqrt(differenceSquares / expectedSquares);
    cosines.push(Number.isNaN(cosine) ? 0 : cosine);
    relativeErrors.push(Number.isNaN(relative) ? Number.POSITIVE_INFINITY : relative);
  }
  return { cosines, relativeErrors, worstCosine: Math.min(...cosines), worstRelativeError: Math.max(...relativeErrors) };
}
