// Power spectra by convolution: a short-time Fourier transform is one convolution with sines and cosines. Ops has neither an FFT nor complex
// numbers. Up to 2048 samples the convolution is fast enough, and linear preprocessing (window, pre-emphasis) is folded into its kernels.
import type { Ops } from "../ops/ops.ts";

/** Convolution kernels of a Fourier transform: the real parts of all bins, then the imaginary parts. */
export interface Fourier {
  readonly bins: number;
  readonly samples: number;
  /** [2 · bins, samples]. */
  readonly values: Float32Array;
}

export interface FourierOptions {
  /** The window function, as long as a frame. */
  readonly window: ArrayLike<number>;
  /** Length of the transform; frames are zero-padded to it. */
  readonly fftSamples: number;
  /** The bins to compute, [first, end). */
  readonly bins: readonly [first: number, end: number];
  /** The transpose of a linear map that is applied to each frame before the window; it is folded into the kernels. */
  readonly before?: (kernel: Float64Array) => Float64Array;
}

export function fourier({ window, fftSamples, bins: [first, end], before = (kernel) => kernel }: FourierOptions): Fourier {
  const [bins, samples] = [end - first, window.length];
  const values = new Float32Array(2 * bins * samples);
  // One period as a table: the angle of bin k at sample n is k · n modulo the length.
  const cosine = Float64Array.from({ length: fftSamples }, (_, i) => Math.cos((2 * Math.PI * i) / fftSamples));
  const sine = Float64Array.from({ length: fftSamples }, (_, i) => Math.sin((2 * Math.PI * i) / fftSamples));
  for (let bin = 0; bin < bins; bin++) {
    for (const [half, wave] of [cosine, sine].entries()) {
      const kernel = Float64Array.from({ length: samples }, (_, n) => window[n]! * wave[((first + bin) * n) % fftSamples]!);
      values.set(before(kernel), (half * bins + bin) * samples);
    }
  }
  return { bins, samples, values };
}

/** Power of each bin: waveform [batch, samples] → [batch, frames, bins], with `padding` zeros before and after. */
export function powerSpectrum<T>(
  ops: Ops<T>,
  waveform: T,
  { bins, samples, values }: Fourier,
  { hopSamples, padding = 0 }: { hopSamples: number; padding?: number },
): T {
  const kernel = ops.constant(values, [2 * bins, 1, samples]);
  const y = ops.conv1d(ops.unsqueeze(waveform, 2), kernel, undefined, { stride: hopSamples, padding });
  const real = ops.slice(y, 2, 0, bins);
  const imaginary = ops.slice(y, 2, bins, 2 * bins);
  return ops.add(ops.mul(real, real), ops.mul(imaginary, imaginary));
}

/** A filter bank, restricted to the bins where any filter is nonzero. */
export interface FilterBank {
  readonly filters: number;
  readonly bins: readonly [first: number, end: number];
  /** [filters, end − first]. */
  readonly values: Float32Array;
}

/** Triangular filters: filter i rises from edge i to edge i + 1 and falls to edge i + 2. `positions` are the bins on the same scale. */
export function triangles(positions: ArrayLike<number>, edges: ArrayLike<number>): FilterBank {
  const filters = edges.length - 2;
  const height = (filter: number, bin: number) => {
    const [left, top, right, at] = [edges[filter]!, edges[filter + 1]!, edges[filter + 2]!, positions[bin]!];
    return Math.max(0, Math.min((at - left) / (top - left), (right - at) / (right - top)));
  };
  const isInside = (bin: number) => positions[bin]! > edges[0]! && positions[bin]! < edges[filters + 1]!;
  let [first, end] = [0, positions.length];
  while (first < end - 1 && !isInside(first)) first++;
  while (end > first + 1 && !isInside(end - 1)) end--;
  const values = Float32Array.from({ length: filters * (end - first) }, (_, i) =>
    height(Math.floor(i / (end - first)), first + (i % (end - first))),
  );
  return { filters, bins: [first, end], values };
}

/** Energies of a bank: power [batch, frames, bins] → [batch, frames, filters]. */
export function applyBank<T>(ops: Ops<T>, power: T, { filters, bins: [first, end], values }: FilterBank): T {
  return ops.matmul(power, ops.swapAxes(ops.constant(values, [filters, end - first]), 0, 1));
}

/** Caches the result of `make` by its options: an eager engine calls it at every run. */
export function memoised<O, V>(make: (options: O) => V): (options: O) => V {
  const made = new Map<string, V>();
  return (options) => {
    const key = JSON.stringify(options);
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(options);
    made.set(key, value);
    return value;
  };
}
