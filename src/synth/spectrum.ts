// Spectrum: a fast Fourier transform in exact arithmetic, used to set the brightness of clips and to analyse them.
import { cosTurns, sinTurns } from "./exact-math.ts";

interface Plan {
  /** Pairs of indices that bit reversal exchanges. */
  readonly swaps: Uint32Array;
  /** For each double stage of half-width h: cosines and sines of k / 2h and k / 4h, for k < h. */
  readonly stages: readonly Float64Array[];
  readonly window: Float64Array;
}

const plans = new Map<number, Plan>();

function planFor(size: number): Plan {
  const cached = plans.get(size);
  if (cached) return cached;
  const stages: Float64Array[] = [];
  let half = 1;
  for (; half * 4 <= size; half *= 4) {
    const table = new Float64Array(4 * half);
    for (let k = 0; k < half; k++) {
      table[4 * k] = cosTurns(k / (2 * half));
      table[4 * k + 1] = -sinTurns(k / (2 * half));
      table[4 * k + 2] = cosTurns(k / (4 * half));
      table[4 * k + 3] = -sinTurns(k / (4 * half));
    }
    stages.push(table);
  }
  if (half < size) {
    const table = new Float64Array(2 * half);
    for (let k = 0; k < half; k++) {
      table[2 * k] = cosTurns(k / size);
      table[2 * k + 1] = -sinTurns(k / size);
    }
    stages.push(table);
  }
  const window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * cosTurns(i / size));
  const plan = { swaps: bitReversal(size), stages, window };
  plans.set(size, plan);
  return plan;
}

function bitReversal(size: number): Uint32Array {
  const swaps: number[] = [];
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) swaps.push(i, j);
  }
  return Uint32Array.from(swaps);
}

/** The periodic Hann window: [size]. */
export function hann(size: number): Float64Array {
  return planFor(size).window;
}

/** The discrete Fourier transform, in place. The length must be a power of two. */
export function transform(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  const { swaps, stages } = planFor(size);
  for (let i = 0; i < swaps.length; i += 2) {
    const a = swaps[i]!;
    const b = swaps[i + 1]!;
    const r = real[a]!;
    const m = imaginary[a]!;
    real[a] = real[b]!;
    imaginary[a] = imaginary[b]!;
    real[b] = r;
    imaginary[b] = m;
  }
  let half = 1;
  let stage = 0;
  for (; half * 4 <= size; half *= 4) doubleStage(real, imaginary, half, stages[stage++]!);
  if (half < size) lastStage(real, imaginary, half, stages[stage]!);
}

/** Two radix-2 stages in one pass, of half-widths `half` and 2 `half`. */
function doubleStage(real: Float64Array, imaginary: Float64Array, half: number, table: Float64Array): void {
  const size = real.length;
  for (let start = 0; start < size; start += 4 * half) {
    for (let k = 0; k < half; k++) {
      const c1 = table[4 * k]!;
      const s1 = table[4 * k + 1]!;
      const c2 = table[4 * k + 2]!;
      const s2 = table[4 * k + 3]!;
      const i0 = start + k;
      const i1 = i0 + half;
      const i2 = i1 + half;
      const i3 = i2 + half;
      const r1 = real[i1]! * c1 - imaginary[i1]! * s1;
      const m1 = real[i1]! * s1 + imaginary[i1]! * c1;
      const r3 = real[i3]! * c1 - imaginary[i3]! * s1;
      const m3 = real[i3]! * s1 + imaginary[i3]! * c1;
      const ar = real[i0]! + r1;
      const am = imaginary[i0]! + m1;
      const br = real[i0]! - r1;
      const bm = imaginary[i0]! - m1;
      const cr = real[i2]! + r3;
      const cm = imaginary[i2]! + m3;
      const dr = real[i2]! - r3;
      const dm = imaginary[i2]! - m3;
      const er = cr * c2 - cm * s2;
      const em = cr * s2 + cm * c2;
      const fr = dr * c2 - dm * s2;
      const fm = dr * s2 + dm * c2;
      real[i0] = ar + er;
      imaginary[i0] = am + em;
      real[i2] = ar - er;
      imaginary[i2] = am - em;
      real[i1] = br + fm; // the twiddle factor of the second pair is -i times that of the first
      imaginary[i1] = bm - fr;
      real[i3] = br - fm;
      imaginary[i3] = bm + fr;
    }
  }
}

function lastStage(real: Float64Array, imaginary: Float64Array, half: number, table: Float64Array): void {
  for (let k = 0; k < half; k++) {
    const c = table[2 * k]!;
    const s = table[2 * k + 1]!;
    const b = k + half;
    const r = real[b]! * c - imaginary[b]! * s;
    const m = real[b]! * s + imaginary[b]! * c;
    real[b] = real[k]! - r;
    imaginary[b] = imaginary[k]! - m;
    real[k] = real[k]! + r;
    imaginary[k] = imaginary[k]! + m;
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
