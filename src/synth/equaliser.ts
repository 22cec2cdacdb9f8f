// Equaliser: filters a recording so that its time-mean spectrum follows a given curve. The curve is drawn independently of the music, so
// neither style nor mood can be read from the long-term spectrum.
import { clamp, exp2, fromDecibels, log2 } from "./exact-math.ts";
import { hann, transform } from "./spectrum.ts";

/** Frames that are analysed, evenly spaced. */
const analysedFrames = 64;
/** Largest deviation of a band's gain from the mean gain. */
const maxDecibels = 24;
const lowestHz = 44;
const bandsPerOctave = 3;

/** Level in decibels of the time-mean spectrum (mean magnitude a bin) by frequency; only its shape counts. */
export type SpectrumTarget = (hertz: number) => number;

export interface Stereo {
  readonly left: Float32Array;
  readonly right: Float32Array;
}

/** Samples `from` … `to` of a signal, filtered by a zero-phase filter of 43 ms to match `target`, which `input` outside that range enters as
 *  context. */
export function matchSpectrum(input: Stereo, from: number, to: number, target: SpectrumTarget, sampleRateHz: number): Stereo {
  const size = Math.max(1024, 2048 * exp2(Math.round(log2(sampleRateHz / 24_000))));
  const spectrum = meanSpectrum(input, from, to, size);
  return convolve(input, from, to, matchingFilter(spectrum, target, sampleRateHz / size));
}

/** Mean magnitude of the two channels' sum: [size / 2 + 1]. */
function meanSpectrum({ left, right }: Stereo, from: number, to: number, size: number): Float64Array {
  const window = hann(size);
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  const mean = new Float64Array(size / 2 + 1);
  const span = Math.max(0, to - from - size);
  for (let frame = 0; frame < analysedFrames; frame += 2) {
    const [a, b] = [from + Math.floor((frame * span) / analysedFrames), from + Math.floor(((frame + 1) * span) / analysedFrames)];
    for (let i = 0; i < size; i++) {
      real[i] = a + i < to ? window[i]! * (left[a + i]! + right[a + i]!) : 0;
      imaginary[i] = b + i < to ? window[i]! * (left[b + i]! + right[b + i]!) : 0;
    }
    transform(real, imaginary); // two frames in one complex transform
    for (let k = 1; k <= size / 2; k++) {
      const [p, q, r, s] = [real[k]!, imaginary[k]!, real[size - k]!, imaginary[size - k]!];
      mean[k] = mean[k]! + Math.sqrt((p + r) * (p + r) + (q - s) * (q - s)) + Math.sqrt((q + s) * (q + s) + (r - p) * (r - p));
    }
  }
  return mean;
}

/** The filter that brings each band of `spectrum` [bins] to the target, as `filterOf` gives it. */
function matchingFilter(spectrum: Float64Array, target: SpectrumTarget, hertzPerBin: number): Float64Array {
  const bins = spectrum.length;
  const count = 1 + Math.floor(bandsPerOctave * log2((0.9 * (bins - 1) * hertzPerBin) / lowestHz));
  const places = Float64Array.from({ length: bins }, (_, k) =>
    clamp(bandsPerOctave * log2(Math.max(1, k * hertzPerBin) / lowestHz), 0, count - 1),
  );
  const wanted = Array.from({ length: count }, (_, band) => target(lowestHz * exp2(band / bandsPerOctave)));
  const decibels = new Float64Array(count);
  const gains = new Float64Array(bins).fill(1);
  let filter = filterOf(gains);
  for (let round = 0; round < 4; round++) {
    const [sums, weights] = [new Float64Array(count), new Float64Array(count)];
    for (let k = 1; k < bins; k++) {
      const band = Math.min(count - 2, Math.floor(places[k]!));
      const share = places[k]! - band;
      sums[band] = sums[band]! + (1 - share) * filter[2 * k]! * spectrum[k]!;
      weights[band] = weights[band]! + (1 - share);
      sums[band + 1] = sums[band + 1]! + share * filter[2 * k]! * spectrum[k]!;
      weights[band + 1] = weights[band + 1]! + share;
    }
    let mean = 0;
    for (let band = 0; band < count; band++) {
      const level = 6.020599913279624 * log2(sums[band]! / Math.max(weights[band]!, 1e-9) + 1e-12);
      decibels[band] = decibels[band]! + wanted[band]! - level;
      mean += decibels[band]! / count;
    }
    for (let band = 0; band < count; band++) decibels[band] = clamp(decibels[band]! - mean, -maxDecibels, maxDecibels);
    for (let k = 0; k < bins; k++) {
      const band = Math.min(count - 2, Math.floor(places[k]!));
      gains[k] = fromDecibels(decibels[band]! + (places[k]! - band) * (decibels[band + 1]! - decibels[band]!));
    }
    filter = filterOf(gains);
  }
  return filter;
}

/** Samples that the filter reaches to each side, as a fraction of the transform that applies it. */
const reach = 1 / 8;

/** The real spectrum of a zero-phase filter with the given gains, at twice their resolution: [4 · (gains.length - 1)]. */
function filterOf(gains: Float64Array): Float64Array {
  const size = 2 * (gains.length - 1);
  const real = Float64Array.from({ length: size }, (_, k) => gains[Math.min(k, size - k)]!);
  const imaginary = new Float64Array(size);
  transform(real, imaginary);
  const half = 2 * size * reach;
  const window = hann(2 * half);
  const [filter, zeros] = [new Float64Array(2 * size), new Float64Array(2 * size)];
  for (let i = 0; i < half; i++) {
    const tap = (real[i]! / size) * window[half + i]!;
    filter[i] = tap;
    if (i > 0) filter[2 * size - i] = tap;
  }
  transform(filter, zeros);
  return filter;
}

/** Overlap-add; both channels in one complex transform. */
function convolve({ left, right }: Stereo, from: number, to: number, filter: Float64Array): Stereo {
  const size = filter.length;
  const margin = size * reach;
  const block = size - 2 * margin;
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  const out = { left: new Float32Array(to - from), right: new Float32Array(to - from) };
  const end = Math.min(left.length, to + margin);
  for (let start = Math.max(0, from - margin); start < end; start += block) {
    const length = Math.min(block, end - start);
    real.fill(0);
    imaginary.fill(0);
    for (let i = 0; i < length; i++) {
      real[margin + i] = left[start + i]!;
      imaginary[margin + i] = right[start + i]!;
    }
    transform(real, imaginary);
    for (let k = 0; k < size; k++) {
      real[k] = (real[k]! * filter[k]!) / size;
      imaginary[k] = (imaginary[k]! * filter[k]!) / size;
    }
    transform(imaginary, real); // the inverse: real and imaginary parts exchanged
    for (let i = 0; i < size; i++) {
      const at = start - margin + i - from;
      if (at < 0 || at >= to - from) continue;
      out.left[at] = out.left[at]! + real[i]!;
      out.right[at] = out.right[at]! + imaginary[i]!;
    }
  }
  return out;
}
