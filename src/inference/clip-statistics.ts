// Clip statistics: what must be known of a whole clip before any part of it can be run as the whole would be: its loudness and the moments of
// the windows that convolution 0 sees. Both are gathered in one pass, piece by piece, in float64.
import type { HostTensor } from "../base/host-tensor.ts";
import type { Model } from "../models/model.ts";
import { type Loudness, normalisingScale } from "./input-normalisation.ts";

/** Mean [size] and covariance [size, size] of the windows of a signal. */
export interface Moments {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

export interface ClipStatistics extends Loudness {
  readonly samples: number;
  /** Where the model has a norm over time. */
  readonly windows?: Moments;
}

export interface Gathering {
  /** The next samples, of any number. */
  push(piece: Float32Array): void;
  statistics(): ClipStatistics;
}

/** Gathers the statistics that `model` asks for. Pieces are centred before they are squared and merged as Chan, Golub and LeVeque do
 *  ("Updating formulae and a pairwise algorithm for computing sample variances", 1979), so an offset costs no digits. */
export function gatherStatistics({ normWindows }: Pick<Model, "normWindows">): Gathering {
  const samples = new Merged(1);
  const windows = normWindows && new Merged(normWindows.size);
  let held = new Float32Array(0); // the samples from the next window's first on
  return {
    push(piece) {
      samples.add(piece, 1);
      if (!normWindows || !windows) return;
      const joined = new Float32Array(held.length + piece.length);
      joined.set(held);
      joined.set(piece, held.length);
      const next = windows.add(joined, normWindows.stride);
      held = joined.slice(next);
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

/** Moments of the clip as the network sees it, normalised or as it is: inputs `mean` and `covariance` of a program, for a batch of one. */
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

/** The count, mean [size] and scatter [size, size] (sum of squares about the mean) of windows that arrive in pieces. */
class Merged {
  readonly size: number;
  count = 0;
  readonly mean: Float64Array;
  readonly scatter: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.mean = new Float64Array(size);
    this.scatter = new Float64Array(size * size);
  }

  /** Takes in every whole window of a signal, one each `stride` samples, and says where the first that isn't whole begins. */
  add(signal: Float32Array, stride: number): number {
    const { size, mean, scatter } = this;
    const count = Math.max(0, Math.floor((signal.length - size) / stride) + 1);
    if (count === 0) return 0;
    const own = new Float64Array(size);
    for (let w = 0; w < count; w++) for (let i = 0; i < size; i++) own[i]! += signal[w * stride + i]!;
    for (let i = 0; i < size; i++) own[i]! /= count;
    const centred = new Float64Array(size);
    const between = (this.count * count) / (this.count + count);
    for (let w = 0; w < count; w++) {
      for (let i = 0; i < size; i++) centred[i] = signal[w * stride + i]! - own[i]!;
      for (let i = 0; i < size; i++) {
        const value = centred[i]!;
        for (let j = 0; j <= i; j++) scatter[i * size + j]! += value * centred[j]!;
      }
    }
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        scatter[i * size + j]! += between * (own[i]! - mean[i]!) * (own[j]! - mean[j]!);
        scatter[j * size + i] = scatter[i * size + j]!;
      }
    }
    this.count += count;
    for (let i = 0; i < size; i++) mean[i]! += ((own[i]! - mean[i]!) * count) / this.count;
    return count * stride;
  }
}

function float64Tensor(values: Float64Array, shape: readonly number[]): HostTensor {
  return { dtype: "float64", shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}
