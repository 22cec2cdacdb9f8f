// The mel spectrogram of MERT's optional mel head: torchaudio's MelSpectrogram (power 2, normalized, centred with zero padding, HTK scale).
import type { Ops } from "../ops/ops.ts";
import { applyBank, type FilterBank, type Fourier, fourier, memoised, powerSpectrum, triangles } from "./spectrum.ts";

export interface MelOptions {
  readonly sampleRateHz: number;
  readonly mels: number;
  readonly hopSamples: number;
  /** Length of the window and of the Fourier transform. */
  readonly fftSamples: number;
  readonly lowestHz: number;
  readonly highestHz: number;
}

/** MERT's settings: 84 mels from 32.7 Hz up to half the rate, windows of 2048 samples, a frame every 320; any of it may be overridden. */
export function mertMel(options: Pick<MelOptions, "sampleRateHz"> & Partial<MelOptions>): MelOptions {
  return { mels: 84, hopSamples: 320, fftSamples: 2048, lowestHz: 32.7, highestHz: options.sampleRateHz / 2, ...options };
}

/** Mel energies: waveform [batch, samples] → [batch, samples / hop + 1, mels]. Frame t is centred on sample t · hop. */
export function melSpectrogram<T>(ops: Ops<T>, waveform: T, options: MelOptions): T {
  const { bank, transform } = prepared(options);
  const power = powerSpectrum(ops, waveform, transform, { hopSamples: options.hopSamples, padding: options.fftSamples / 2 });
  return applyBank(ops, power, bank);
}

/** log(mel + 1e-5), as MERT takes it: [batch, frames, mels]. */
export function logMel<T>(ops: Ops<T>, waveform: T, options: MelOptions): T {
  return ops.log(ops.add(melSpectrogram(ops, waveform, options), 1e-5));
}

/** Targets of MERT's mel head: x [batch, frames, mels] brought to zero mean and unit variance (unbiased) over the whole batch. */
export function standardise<T>(ops: Ops<T>, x: T): T {
  const meanOfAll = (y: T) => ops.mean(ops.mean(ops.mean(y, 2), 1), 0); // [1, 1, 1]
  const centred = ops.sub(x, meanOfAll(x));
  const count = ops.mul(ops.mul(ops.sizeOf(x, 0), ops.sizeOf(x, 1)), ops.sizeOf(x, 2));
  const variance = ops.mul(meanOfAll(ops.mul(centred, centred)), ops.div(count, ops.sub(count, 1)));
  return ops.div(centred, ops.add(ops.sqrt(variance), 1e-5));
}

const prepared = memoised((options: MelOptions): { bank: FilterBank; transform: Fourier } => {
  const { sampleRateHz, mels, fftSamples, lowestHz, highestHz } = options;
  const toMel = (hz: number) => 2595 * Math.log10(1 + hz / 700);
  const toHz = (mel: number) => 700 * (10 ** (mel / 2595) - 1);
  const [low, high] = [toMel(lowestHz), toMel(highestHz)];
  const edges = Float64Array.from({ length: mels + 2 }, (_, i) => toHz(low + ((high - low) * i) / (mels + 1)));
  const positions = Float64Array.from({ length: fftSamples / 2 + 1 }, (_, bin) => (bin * sampleRateHz) / fftSamples);
  const bank = triangles(positions, edges); // HTK: edges are equidistant in mel, slopes are linear in Hz
  const hann = Float64Array.from({ length: fftSamples }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / fftSamples));
  const norm = Math.sqrt(hann.reduce((sum, w) => sum + w * w, 0));
  const transform = fourier({ window: hann.map((w) => w / norm), fftSamples, bins: bank.bins });
  return { bank, transform };
});
