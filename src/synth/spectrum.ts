// Spectrum: a fast Fourier transform in exact arithmetic, used to set the brightness of clips and to analyse them.
import { cosTurns, sinTurns } from "./exact-math.ts";

interface Plan {
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
  readonly window: Float64Array;
}

const plans = new Map<number, Plan>();

function planFor(size: number): Plan {
  const cached = plans.get(size);
  if (cached) return cached;
  const plan = {
    cosines: Float64Array.from({ length: size / 2 }, (_, i) => cosTurns(i / size)),
    sines: Float64Array.from({ length: size / 2 }, (_, i) => -sinTurns(i / size)),
    window: Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * cosTurns(i / size)),
  };
  plans.set(size, plan);
  return plan;
}

/** The periodic Hann window: [size]. */
export function hann(size: number): Float64Array {
  return planFor(size).window;
}

/** The discrete Fourier transform, in place. The length must be a power of two. */
export function transform(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  const { cosines, sines } = planFor(size);
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const [r, m] = [real[i]!, imaginary[i]!];
      real[i] = real[j]!;
      imaginary[i] = imaginary[j]!;
      real[j] = r;
      imaginary[j] = m;
    }
  }
  for (let half = 1; half < size; half *= 2) {
    const stride = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [c, s] = [cosines[k * stride]!, sines[k * stride]!];
        const [a, b] = [start + k, start + k + half];
        const r = real[b]! * c - imaginary[b]! * s;
        const m = real[b]! * s + imaginary[b]! * c;
        real[b] = real[a]! - r;
        imaginary[b] = imaginary[a]! - m;
        real[a] = real[a]! + r;
        imaginary[a] = imaginary[a]! + m;
      }
    }
  }
}

/** Magnitudes of windowed frames: [frames, size / 2], a frame every `hop` samples. */
export function spectrogram(samples: Float32Array, size: number, hop: number): { frames: number; bins: number; values: Float32Array } {
  const frames = Math.max(0, Math.floor((samples.length - size) / hop) + 1);
  const bins = size / 2;
  const values = new Float32Array(frames * bins);
  const window = hann(size);
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  for (let frame = 0; frame < frames; frame++) {
    for (let i = 0; i < size; i++) {
      real[i] = samples[frame * hop + i]! * window[i]!;
      imaginary[i] = 0;
    }
    transform(real, imaginary);
    for (let k = 0; k < bins; k++) values[frame * bins + k] = Math.sqrt(real[k]! * real[k]! + imaginary[k]! * imaginary[k]!);
  }
  return { frames, bins, values };
}
