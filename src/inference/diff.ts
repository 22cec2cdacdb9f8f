// Diff: where two engines, dtypes or checkpoints begin to differ, tap by tap along the chain.

import { ConfigError } from "../base/errors.ts";
import { toFloat32 } from "../base/host-tensor.ts";
import { tapNames } from "../ops/stage.ts";
import type { Encoder } from "./encoder.ts";

export interface TapDifference {
  readonly tap: string;
  readonly shape: readonly number[];
  /** The largest absolute difference. */
  readonly maxError: number;
  /** `maxError` divided by the root mean square of the first model's values. */
  readonly maxErrorOverRms: number;
  readonly cosine: number;
}

/** Runs one waveform through both encoders and compares every tap in the chain's order.
 *  @throws ConfigError when the models differ in family or sizes. */
export async function compareTaps(a: Encoder, b: Encoder, waveform: Float32Array): Promise<TapDifference[]> {
  for (const key of ["family", "layers", "width", "sampleRateHz"] as const) {
    if (a.model[key] !== b.model[key]) {
      throw new ConfigError(
        `The two models have ${key} ${a.model[key]} and ${b.model[key]}: only models of the same shape can be compared tap by tap.`,
      );
    }
  }
  const names = tapNames(a.model.stages);
  const [ours, theirs] = [await a.taps(waveform, names), await b.taps(waveform, names)];
  return names.map((tap) => {
    const { shape } = ours[tap]!;
    return { tap, shape, ...compare(toFloat32(ours[tap]!), toFloat32(theirs[tap]!)) };
  });
}

/** The first tap whose cosine is below `least` or whose `maxErrorOverRms` is above `most`. */
export function firstParting(differences: readonly TapDifference[], { least = 0.9999, most = 1e-3 } = {}): TapDifference | undefined {
  return differences.find(({ cosine, maxErrorOverRms }) => !(cosine >= least) || !(maxErrorOverRms <= most));
}

/** Differences between two arrays of equal length. NaN in either makes the cosine NaN. */
export function compare(a: Float32Array, b: Float32Array): Pick<TapDifference, "maxError" | "maxErrorOverRms" | "cosine"> {
  if (a.length !== b.length) throw new ConfigError(`${a.length} and ${b.length} values can't be compared.`);
  let [maxError, dot, aa, bb] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    maxError = Math.max(maxError, Math.abs(x - y));
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  const rms = Math.sqrt(aa / a.length);
  return { maxError, maxErrorOverRms: rms > 0 ? maxError / rms : maxError, cosine: aa === 0 && bb === 0 ? 1 : dot / Math.sqrt(aa * bb) };
}
