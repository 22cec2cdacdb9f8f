// Comparison: how far one way of running a model is from another, on a short probe. "No NaN" is no test: half precision can be finite
// and wrong, so the values themselves are compared, layer by layer.
import { fillGaussian, seeded } from "../base/random.ts";
import type { Encoder } from "./encoder.ts";

/** How near the hidden states of two encoders are, layer by layer. */
export interface Comparison {
  /** Of each layer's values taken as one vector; 1 is equal. */
  readonly cosines: readonly number[];
  /** ‖a − b‖ / ‖b‖ of each layer: unlike the cosine it sees a wrong scale. NaN counts as infinitely far. */
  readonly relativeErrors: readonly number[];
  readonly worstCosine: number;
  readonly worstRelativeError: number;
}

/** Half a second that has something for every filter: a sweep of rising loudness over noise, from a fixed seed. */
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

/** Runs both on the probe. The reference is what the candidate is held to. */
export async function compareEncoders(candidate: Encoder, reference: Encoder): Promise<Comparison> {
  const probe = probeSignal(candidate.model.sampleRateHz);
  const [found] = await candidate.hiddenStates([probe]);
  const [wanted] = await reference.hiddenStates([probe]);
  return compareStates(found!.values, wanted!.values, found!.layers.length);
}

/** Compares two [layers, …] arrays layer by layer. */
export function compareStates(found: Float32Array, wanted: Float32Array, layers: number): Comparison {
  const size = wanted.length / layers;
  const cosines: number[] = [];
  const relativeErrors: number[] = [];
  for (let layer = 0; layer < layers; layer++) {
    let [both, own, other, apart] = [0, 0, 0, 0];
    for (let i = layer * size; i < (layer + 1) * size; i++) {
      const [a, b] = [found[i] ?? Number.NaN, wanted[i]!];
      both += a * b;
      own += a * a;
      other += b * b;
      apart += (a - b) ** 2;
    }
    const cosine = both / Math.sqrt(own * other);
    const relative = Math.sqrt(apart / other);
    cosines.push(Number.isNaN(cosine) ? 0 : cosine);
    relativeErrors.push(Number.isNaN(relative) ? Number.POSITIVE_INFINITY : relative);
  }
  return { cosines, relativeErrors, worstCosine: Math.min(...cosines), worstRelativeError: Math.max(...relativeErrors) };
}
