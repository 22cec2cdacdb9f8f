// Plucked strings (Karplus and Strong 1983, Jaffe and Smith 1983): a noise burst circulates in a delay line of one period and loses high
// frequencies in each round: guitars, banjos, harps, harpsichords, basses.
import { exp2 } from "./exact-math.ts";
import { noiseMask, noteLength, shape, type Voice, whiteNoise } from "./voice.ts";

export interface PluckedOptions {
  /** High frequencies of the burst: 0 soft finger … 1 hard plectrum. */
  readonly brightness: number;
  /** Where the string is plucked, as a fraction of its length: it sets the notches of a comb filter. */
  readonly position: number;
  /** Seconds until the amplitude is a thousandth, at 220 Hz. */
  readonly ring: number;
  /** Loss of high frequencies in each round, 0 … 1. */
  readonly damping: number;
  readonly release: number;
  /** Palm muting of notes below 0.16 s: 0 none … 1 strong. */
  readonly muting: number;
}

export function pluckedVoice({ brightness, position, ring, damping, release, muting }: PluckedOptions): Voice {
  let line = new Float32Array(4096);
  return (out, { hertz, seconds, velocity, rng }, sampleRateHz) => {
    const length = noteLength(out, seconds, release, sampleRateHz);
    const period = sampleRateHz / hertz;
    const muted = seconds < 0.16 ? muting : 0;
    const loss = Math.min(0.9, damping + 0.3 * muted);
    // The loop's low-pass delays by about `loss` samples; an all-pass makes up the fraction.
    const whole = Math.max(2, Math.floor(period - loss - 0.3));
    const fraction = period - loss - whole;
    const allPass = (1 - fraction) / (1 + fraction);
    const ringSeconds = ring * Math.sqrt(220 / hertz) * (1 - 0.75 * muted);
    const gain = exp2(-10 / (hertz * ringSeconds));
    if (line.length < whole) line = new Float32Array(2 * whole);
    excite(line, whole, { brightness: brightness * (0.45 + 0.55 * velocity), position, offset: Math.floor(rng() * noiseMask) });
    let at = 0;
    let [before, passIn, passOut] = [0, 0, 0];
    for (let i = 0; i < length; i++) {
      const value = line[at]!;
      out[i] = value;
      const filtered = gain * ((1 - loss) * value + loss * before);
      before = value;
      passOut = allPass * (filtered - passOut) + passIn;
      passIn = filtered;
      line[at] = passOut;
      if (++at === whole) at = 0;
    }
    shape(out, length, { attack: 0.001, decay: 1, sustain: 1, release }, seconds, sampleRateHz);
    return length;
  };
}

/** Fills one period with noise: low-passed by `brightness`, comb-filtered by `position`, with mean 0 and unit power. */
function excite(
  line: Float32Array,
  length: number,
  { brightness, position, offset }: { brightness: number; position: number; offset: number },
): void {
  const open = 0.08 + 0.9 * Math.min(1, brightness);
  let low = 0;
  for (let i = 0; i < length; i++) {
    low += open * (whiteNoise[(offset + i) & noiseMask]! - low);
    line[i] = low;
  }
  const lag = Math.max(1, Math.floor(position * length));
  let mean = 0;
  for (let i = length - 1; i >= 0; i--) {
    line[i] = line[i]! - 0.9 * line[(i - lag + length) % length]!;
    mean += line[i]! / length;
  }
  let energy = 0;
  for (let i = 0; i < length; i++) {
    line[i] = line[i]! - mean;
    energy += line[i]! * line[i]!;
  }
  const scale = 1 / Math.sqrt(energy / length + 1e-9);
  for (let i = 0; i < length; i++) line[i] = line[i]! * scale;
}
