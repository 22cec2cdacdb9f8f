// The constant-Q transform of nnAudio (CQT1992v2): MERT's musical teacher and an optional input of the model.
//
// A kernel's length halves with each octave, so each octave has its own, shorter convolution; one kernel length for all bins
// would be mostly zeros (33 instead of about 5 GFLOP for 5 s of 336 bins).
import type { Ops } from "../ops/ops.ts";
import { memoised } from "./spectrum.ts";

export interface CqtOptions {
  sampleRateHz: number;
  hopSamples: number;
  bins: number;
  binsPerOctave: number;
  /** Frequency of the lowest bin; default 32.7 Hz (C1), as in nnAudio and MERT. */
  lowestHz?: number;
}

/** MERT's settings: seven octaves from 32.7 Hz, a frame every 320 samples. */
export function mertCqt(sampleRateHz: number, bins: number, hopSamples = 320): CqtOptions {
  return { sampleRateHz, hopSamples, bins, binsPerOctave: Math.floor(bins / 7) };
}

/** Magnitudes: waveform [batch, samples] → [batch, samples / hop + 1, bins]. Frame t is centred on sample t · hop; the ends are zero-padded. */
export function cqt<T>(ops: Ops<T>, waveform: T, options: CqtOptions): T {
  const signal = ops.unsqueeze(waveform, 2);
  const octaves = octaveKernels(options).map(({ bins, halfWidth, values }) => {
    const kernel = ops.constant(values, [2 * bins, 1, 2 * halfWidth]);
    const y = ops.conv1d(signal, kernel, undefined, { stride: options.hopSamples, padding: halfWidth });
    const real = ops.slice(y, 2, 0, bins);
    const imaginary = ops.slice(y, 2, bins, 2 * bins);
    return ops.sqrt(ops.add(ops.mul(real, real), ops.mul(imaginary, imaginary)));
  });
  return ops.concat(octaves, 2);
}

/** Samples on either side of a frame's centre that affect it: half the lowest bin's kernel. */
export function cqtReach({ sampleRateHz, binsPerOctave, lowestHz = 32.7 }: CqtOptions): number {
  return Math.ceil(Math.ceil((quality(binsPerOctave) * sampleRateHz) / lowestHz) / 2);
}

/** Periods in a kernel: the transform's Q. */
const quality = (binsPerOctave: number) => 1 / (2 ** (1 / binsPerOctave) - 1);

export interface OctaveKernels {
  readonly bins: number;
  /** Half the kernel's length: it covers centre − halfWidth … centre + halfWidth − 1. */
  readonly halfWidth: number;
  /** [2 · bins, 2 · halfWidth]: real parts, then imaginary parts, each scaled by sqrt(length) as nnAudio scales its output. */
  readonly values: Float32Array;
}

const octaveKernels = memoised((options: CqtOptions) => makeKernels(options));

/** Kernels by octave, lowest first: a periodic Hann window of L1 norm 1 times a complex exponential. */
export function makeKernels({ sampleRateHz, bins, binsPerOctave, lowestHz = 32.7 }: CqtOptions): OctaveKernels[] {
  const q = quality(binsPerOctave);
  const octaves: OctaveKernels[] = [];
  for (let first = 0; first < bins; first += binsPerOctave) {
    const count = Math.min(binsPerOctave, bins - first);
    const frequencies = Array.from({ length: count }, (_, i) => lowestHz * 2 ** ((first + i) / binsPerOctave));
    const lengths = frequencies.map((hz) => Math.ceil((q * sampleRateHz) / hz));
    const halfWidth = Math.ceil(Math.max(...lengths) / 2);
    const width = 2 * halfWidth;
    const values = new Float32Array(2 * count * width);
    lengths.forEach((length, bin) => {
      const half = Math.ceil(length / 2);
      const window = Float64Array.from({ length }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length));
      const scale = Math.sqrt(length) / window.reduce((sum, w) => sum + w, 0);
      for (let n = 0; n < length; n++) {
        const phase = (2 * Math.PI * frequencies[bin]! * (n - half)) / sampleRateHz;
        const at = halfWidth - half + n;
        values[bin * width + at] = scale * window[n]! * Math.cos(phase);
        values[(count + bin) * width + at] = scale * window[n]! * Math.sin(phase);
      }
    });
    octaves.push({ bins: count, halfWidth, values });
  }
  return octaves;
}
