// Resampling: change the sample rate by a windowed sinc, sample for sample as torchaudio.functional.resample does.
import { ConfigError } from "../base/errors.ts";

/** The filter: torchaudio's names and defaults. */
export interface ResampleOptions {
  /** Zero crossings of the sinc kept on each side. */
  readonly lowpassFilterWidth?: number;
  /** Cut-off as a fraction of the lower Nyquist frequency. */
  readonly rolloff?: number;
  readonly window?: "hann" | "kaiser";
  /** Shape of the Kaiser window; the Hann window has none. */
  readonly beta?: number;
}

/** A polyphase filter bank. Output j lies in block floor(j / newStep) and phase p = j mod newStep; its taps meet the input
 *  from sample block * origStep + starts[p] on. */
interface FilterBank {
  readonly origStep: number;
  readonly newStep: number;
  /** Taps per phase, the same for all phases so that the inner loop is simple. */
  readonly taps: number;
  /** First input sample of each phase, relative to the block: [newStep], negative for the first phases. */
  readonly starts: Int32Array;
  /** [newStep, taps], computed in float64 and stored in float32 like torchaudio's transforms.Resample. */
  readonly weights: Float32Array;
}

/** A resampler that takes its input in pieces. The concatenated output is exactly that of `resample` on the whole. */
export interface Resampler {
  push(samples: Float32Array): Float32Array;
  /** The rest of the output. The resampler can not be used afterwards. */
  flush(): Float32Array;
}

/** Changes the sample rate of one channel: [samples] → [ceil(to * samples / from)]. The defaults are torchaudio's
 *  (functional.resample, 0.13): windowed sinc, width 6, rolloff 0.99, Hann. Equal rates return the input itself.
 *  @throws ConfigError when a rate is not a positive whole number. */
export function resample(samples: Float32Array, options: { from: number; to: number } & ResampleOptions): Float32Array {
  const bank = filterBank(options.from, options.to, options);
  if (bank === undefined) return samples;
  const margin = bank.taps + 2 * bank.origStep;
  const before = -bank.starts[0]!;
  const padded = new Float32Array(before + samples.length + margin);
  padded.set(samples, before);
  const out = new Float32Array(outputLength(samples.length, bank));
  filter(bank, padded, before, 0, out);
  return out;
}

/** The streaming form of `resample`; memory is bounded by the largest piece. @throws ConfigError as `resample` does. */
export function resampler(options: { from: number; to: number } & ResampleOptions): Resampler {
  const bank = filterBank(options.from, options.to, options);
  if (bank === undefined) return { push: (samples) => samples, flush: () => new Float32Array(0) };
  const { origStep, newStep, taps, starts } = bank;
  const before = -starts[0]!;
  const lastReach = starts[newStep - 1]! + taps;
  let held: Float32Array = new Float32Array(before); // Input from sample `heldFrom` on; silence lies before the first.
  let heldFrom = -before;
  let received = 0;
  let written = 0;

  const emit = (until: number): Float32Array => {
    const out = new Float32Array(Math.max(0, until - written));
    filter(bank, held, -heldFrom, written, out);
    written += out.length;
    const keepFrom = Math.floor(written / newStep) * origStep - before;
    held = held.slice(Math.max(0, keepFrom - heldFrom));
    heldFrom = Math.max(heldFrom, keepFrom);
    return out;
  };
  const append = (samples: Float32Array) => {
    const joined = new Float32Array(held.length + samples.length);
    joined.set(held);
    joined.set(samples, held.length);
    held = joined;
  };
  return {
    push(samples) {
      append(samples);
      received += samples.length;
      // Whole blocks only: block b is complete once the last phase reaches no further than the input.
      const blocks = Math.floor((received - lastReach) / origStep) + 1;
      return emit(Math.max(0, blocks) * newStep);
    },
    flush() {
      append(new Float32Array(taps + 2 * origStep));
      return emit(outputLength(received, bank));
    },
  };
}

function outputLength(inputLength: number, { origStep, newStep }: FilterBank): number {
  return Math.ceil((newStep * inputLength) / origStep);
}

/** Fills `out` with the outputs from number `first` on. Input sample 0 stands at `input[origin]`. */
function filter(bank: FilterBank, input: Float32Array, origin: number, first: number, out: Float32Array): void {
  const { origStep, newStep, taps, starts, weights } = bank;
  let phase = first % newStep;
  let base = origin + Math.floor(first / newStep) * origStep;
  for (let j = 0; j < out.length; j++) {
    const from = base + starts[phase]!;
    const row = phase * taps;
    // Two sums keep two additions in flight; the taps are padded to an even number.
    let even = 0;
    let odd = 0;
    for (let k = 0; k < taps; k += 2) {
      even += weights[row + k]! * input[from + k]!;
      odd += weights[row + k + 1]! * input[from + k + 1]!;
    }
    out[j] = even + odd;
    if (++phase === newStep) {
      phase = 0;
      base += origStep;
    }
  }
}

/** The filter bank for a pair of rates, or undefined when they are equal. */
function filterBank(from: number, to: number, options: ResampleOptions): FilterBank | undefined {
  const { lowpassFilterWidth = 6, rolloff = 0.99, window = "hann", beta = 14.769656459379492 } = options;
  for (const [name, rate] of [["from", from] as const, ["to", to] as const]) {
    if (!Number.isSafeInteger(rate) || rate <= 0) throw new ConfigError(`resample: ${name} is ${rate}; give a whole number of hertz.`);
  }
  if (from === to) return undefined;
  const divisor = greatestCommonDivisor(from, to);
  const origStep = from / divisor;
  const newStep = to / divisor;
  const cutoff = Math.min(origStep, newStep) * rolloff;
  const reach = (lowpassFilterWidth * origStep) / cutoff; // input samples on each side of an output
  // The taps of torchaudio's dense kernel [newStep, 2 * width + origStep] whose window is not 0: about 2 * reach a phase.
  const taps = 2 * Math.ceil((Math.floor(2 * reach) + 1) / 2);
  const starts = new Int32Array(newStep);
  const weights = new Float32Array(newStep * taps);
  for (let p = 0; p < newStep; p++) {
    const centre = (p * origStep) / newStep;
    const start = Math.ceil(centre - reach);
    starts[p] = start;
    for (let k = 0; k < taps; k++) {
      const t = ((start + k) / origStep - p / newStep) * cutoff;
      if (Math.abs(t) >= lowpassFilterWidth) continue;
      const x = t / lowpassFilterWidth;
      const shape = window === "hann" ? Math.cos((Math.PI * x) / 2) ** 2 : besselI0(beta * Math.sqrt(1 - x * x)) / besselI0(beta);
      const sinc = t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
      weights[p * taps + k] = sinc * shape * (cutoff / origStep);
    }
  }
  return { origStep, newStep, taps, starts, weights };
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
