// Clip statistics: the mean and variance of a clip's samples and the moments of the windows that convolution 0 sees. With them, a piece of the
// clip gives the results that it gives within the whole clip. They are computed in one pass over the clip, in float64.
import type { HostTensor } from "../base/host-tensor.ts";
import type { Model } from "../models/model.ts";
import { type Loudness, normalisingScale } from "./input-normalisation.ts";

/** Mean [size] and covariance [size, size] of the windows of a signal. */
export interface Moments {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

/** Statistics of all samples of a clip. */
export interface ClipStatistics extends Loudness {
  readonly samples: number;
  /** Present where the model has a norm over time. */
  readonly windows?: Moments;
}

/** Statistics of a clip that arrives in pieces. */
export interface StatisticsGatherer {
  /** Adds the next samples, of any number. */
  push(piece: Float32Array): void;
  statistics(): ClipStatistics;
}

/** Gathers the statistics that `model` needs. Pieces are centred before they are squared, and merged by Chan, Golub and LeVeque's updating
 *  formulae ("Updating formulae and a pairwise algorithm for computing sample variances", 1979), so a DC offset costs no precision. */
export function gatherStatistics({ normWindows }: Pick<Model, "normWindows">): StatisticsGatherer {
  const samples = new RunningMoments(1);
  const windows = normWindows && new RunningMoments(normWindows.size);
  let pending = new Float32Array(0); // samples from the start of the next window on
  return {
    push(piece) {
      samples.add(piece, 1);
      if (!normWindows || !windows) return;
      const joined = new Float32Array(pending.length + piece.length);
      joined.set(pending);
      joined.set(piece, pending.length);
      const next = windows.add(joined, normWindows.stride);
      pending = joined.slice(next);
    },
    statistics: () => ({
      samples: samples.count,
      mean: samples.mean[0]!,
      variance: samples.count === 0 ? 0 : samples.scatter[0]! / samples.count,
      ...(windows && {
        windows: { mean: windows.mean.slice(), covariance: windows.scatter.map((value) => value / Math.max(1, windows.count)) },
      }),
    }),
  };
}

/** The moments as inputs `mean` and `covariance` of a program for a batch of one; of the normalised clip where `normalised` is set. */
export function momentInputs(
  { mean, variance, windows }: ClipStatistics & { readonly windows: Moments },
  normalised: boolean,
): { mean: HostTensor; covariance: HostTensor } {
  const [offset, scale] = normalised ? [mean, normalisingScale(variance)] : [0, 1];
  const size = windows.mean.length;
  return {
    mean: float64Tensor(
      windows.mean.map((value) => (value - offset) * scale),
      [1, 1, size],
    ),
    covariance: float64Tensor(
      windows.covariance.map((value) => value * scale * scale),
      [1, size, size],
    ),
  };
}

/** Count, mean [size] and scatter [size, size] (sum of squares about the mean) of windows, updated piece by piece. */
class RunningMoments {
  readonly size: number;
  count = 0;
  readonly mean: Float64Array;
  readonly scatter: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.mean = new Float64Array(size);
    this.scatter = new Float64Array(size * size);
  }

  /** Adds every complete window of a signal, one every `stride` samples. Returns where the first incomplete one begins. */
  add(signal: Float32Array, stride: number): number {
    const { size, mean, scatter } = this;
    const count = Math.max(0, Math.floor((signal.length - size) / stride) + 1);
    if (count === 0) return 0;
    const pieceMean = new Float64Array(size);
    for (let w = 0; w < count; w++) for (let i = 0; i < size; i++) pieceMean[i]! += signal[w * stride + i]!;
    for (let i = 0; i < size; i++) pieceMean[i]! /= count;
    const centred = new Float64Array(size);
    const between = (this.count * count) / (this.count + count);
    for (let w = 0; w < count; w++) {
      for (let i = 0; i < size; i++) centred[i] = signal[w * stride + i]! - pieceMean[i]!;
      for (let i = 0; i < size; i++) {
        const value = centred[i]!;
        for (let j = 0; j <= i; j++) scatter[i * size + j]! += value * centred[j]!;
      }
    }
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        scatter[i * size + j]! += between * (pieceMean[i]! - mean[i]!) * (pieceMean[j]! - mean[j]!);
        scatter[j * size + i] = scatter[i * size + j]!;
      }
    }
    this.count += count;
    for (let i = 0; i < size; i++) mean[i]! += ((pieceMean[i]! - mean[i]!) * count) / this.count;
    return count * stride;
  }
}

function float64Tensor(values: Float64Array, shape: readonly number[]): HostTensor {
  return { dtype: "float64", shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}
