// Kaldi's MFCC with first and second differences: the features from which HuBERT's first labels are clustered.
//
// Settings (torchaudio.compliance.kaldi.mfcc with use_energy false, as fairseq's dump_mfcc_feature.py calls it): 25 ms frames every 10 ms,
// complete frames only, mean removed, pre-emphasis 0.97, Povey window, 23 mel filters from 20 Hz, 13 cepstra, lifter 22; samples are ±1.
// Every step before the power is linear, and is folded into the transform's kernels.
import type { Ops } from "../ops/ops.ts";
import { applyBank, fourier, memoised, powerSpectrum, triangles } from "./spectrum.ts";

export const cepstra = 13;
/** Width of `mfcc39`: cepstra, first and second differences. */
export const mfccWidth = 3 * cepstra;
const filters = 23;
const preEmphasis = 0.97;
const lifter = 22;
/** Kaldi's lower bound on energies before the logarithm: float32's epsilon. */
const floor = 1.1920928955078125e-7;

/** Frame length and hop at a sample rate. */
export function mfccFraming(sampleRateHz: number): { frameSamples: number; hopSamples: number } {
  return { frameSamples: Math.floor(0.025 * sampleRateHz), hopSamples: Math.floor(0.01 * sampleRateHz) };
}

/** Log energies of the mel filters: waveform [batch, samples] → [batch, frames, 23]. */
export function kaldiFilterbank<T>(ops: Ops<T>, waveform: T, sampleRateHz: number): T {
  const { bank, transform } = prepared(sampleRateHz);
  const power = powerSpectrum(ops, waveform, transform, { hopSamples: mfccFraming(sampleRateHz).hopSamples });
  return ops.log(ops.maximum(applyBank(ops, power, bank), floor));
}

/** Mel-frequency cepstra: waveform [batch, samples] → [batch, frames, 13]; the first is C0. */
export function mfcc<T>(ops: Ops<T>, waveform: T, sampleRateHz: number): T {
  return ops.matmul(kaldiFilterbank(ops, waveform, sampleRateHz), ops.constant(prepared(sampleRateHz).cosines, [filters, cepstra]));
}

/** Cepstra, first and second differences: waveform [batch, samples] → [batch, frames, 39]. */
export function mfcc39<T>(ops: Ops<T>, waveform: T, sampleRateHz: number): T {
  const values = mfcc(ops, waveform, sampleRateHz);
  const first = differences(ops, values);
  return ops.concat([values, first, differences(ops, first)], 2);
}

/** Slopes over five frames, edges repeated (torchaudio's compute_deltas): x [batch, frames, width], any number of frames. */
export function differences<T>(ops: Ops<T>, x: T): T {
  const first = ops.slice(x, 1, 0, 1);
  const last = ops.slice(x, 1, -1);
  const padded = ops.concat([first, first, x, last, last], 1); // [b, t + 4, w]
  const far = ops.sub(ops.slice(padded, 1, 4), ops.slice(padded, 1, 0, -4));
  const near = ops.sub(ops.slice(padded, 1, 3, -1), ops.slice(padded, 1, 1, -3));
  return ops.add(ops.mul(far, 0.2), ops.mul(near, 0.1)); // Σ n · (x[t + n] − x[t − n]) / 2 Σ n²
}

const prepared = memoised((sampleRateHz: number) => {
  const { frameSamples } = mfccFraming(sampleRateHz);
  const fftSamples = 2 ** Math.ceil(Math.log2(frameSamples));
  const toMel = (hz: number) => 1127 * Math.log(1 + hz / 700);
  const [low, high] = [toMel(20), toMel(sampleRateHz / 2)];
  const edges = Float64Array.from({ length: filters + 2 }, (_, i) => low + ((high - low) * i) / (filters + 1));
  const positions = Float64Array.from({ length: fftSamples / 2 }, (_, bin) => toMel((bin * sampleRateHz) / fftSamples));
  const bank = triangles(positions, edges); // Kaldi's slopes are linear in mel
  const transform = fourier({ window: povey(frameSamples), fftSamples, bins: bank.bins, before: transposedPreparation });
  // The orthonormal DCT with the lifter, which brings the cepstra to similar ranges.
  const cosines = Float32Array.from({ length: filters * cepstra }, (_, i) => {
    const [n, k] = [Math.floor(i / cepstra), i % cepstra];
    const scale = k === 0 ? Math.sqrt(1 / filters) : Math.sqrt(2 / filters);
    return scale * Math.cos((Math.PI / filters) * (n + 0.5) * k) * (1 + (lifter / 2) * Math.sin((Math.PI * k) / lifter));
  });
  return { bank, transform, cosines };
});

/** Kaldi's Povey window: a symmetric Hann window to the power of 0.85. */
function povey(length: number): Float64Array {
  return Float64Array.from({ length }, (_, n) => (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / (length - 1))) ** 0.85);
}

/** The transpose of mean removal followed by pre-emphasis, in which the first sample counts as its own predecessor. */
function transposedPreparation(kernel: Float64Array): Float64Array {
  const back = kernel.map((value, n) => value - preEmphasis * (kernel[n + 1] ?? 0));
  back[0] = back[0]! - preEmphasis * kernel[0]!;
  const mean = back.reduce((sum, value) => sum + value, 0) / back.length;
  return back.map((value) => value - mean);
}
