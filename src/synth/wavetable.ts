// Wavetables: one period of a sound computed from its harmonics, band-limited below half the sample rate. Additive instruments (organs, reeds,
// voices) and the oscillators of subtractive ones use them.
import { exp2 } from "./exact-math.ts";
import { type Envelope, noiseMask, noteLength, shape, sineTable, tableSine, type Voice, whiteNoise } from "./voice.ts";

const size = 2048;
const stride = 4096 / size;

/** Numbers of harmonics for which tables exist: a pitch uses the largest that stays below half the sample rate. */
const steps = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 26, 32, 40, 52, 64, 96, 128] as const;

/** A periodic sound given by the amplitudes of its harmonics; tables are computed on first use. */
export interface Wave {
  readonly amplitudes: readonly number[];
  readonly tables: Map<number, Float32Array>;
}

export function wave(amplitudes: readonly number[]): Wave {
  return { amplitudes, tables: new Map() };
}

/** The table for a pitch: [2049], the last value repeats the first. */
export function tableFor({ amplitudes, tables }: Wave, hertz: number, sampleRateHz: number): Float32Array {
  const room = Math.min(amplitudes.length, Math.floor((0.47 * sampleRateHz) / hertz));
  const harmonics = steps.findLast((step) => step <= room) ?? 1;
  const cached = tables.get(harmonics);
  if (cached) return cached;
  const table = new Float32Array(size + 1);
  let energy = 0;
  for (let n = 1; n <= harmonics; n++) {
    const amplitude = amplitudes[n - 1] ?? 0;
    energy += amplitude * amplitude;
    // Phases by the golden ratio avoid the high peak that equal phases would add up to.
    const phase = Math.floor(((n * 0.618) % 1) * size);
    for (let i = 0; i < size; i++) table[i] = table[i]! + amplitude * sineTable[((n * i + phase) % size) * stride]!;
  }
  const scale = 1 / Math.sqrt(energy || 1);
  for (let i = 0; i < size; i++) table[i] = table[i]! * scale;
  table[size] = table[0]!;
  tables.set(harmonics, table);
  return table;
}

export interface Vibrato {
  readonly hertz: number;
  readonly cents: number;
  readonly delaySeconds: number;
}

export const noVibrato: Vibrato = { hertz: 5, cents: 0, delaySeconds: 0 };

export interface OscillatorOptions {
  readonly from: Float32Array;
  /** The table that `from` is cross-faded to. */
  readonly to: Float32Array;
  readonly fadeSeconds: number;
  readonly hertz: number;
  readonly vibrato: Vibrato;
  /** Initial phase in turns, 0 … 1. */
  readonly phase: number;
  readonly gain: number;
}

/** Adds an oscillator to `out`. */
export function oscillate(out: Float32Array, length: number, options: OscillatorOptions, sampleRateHz: number): void {
  const { from, to, fadeSeconds, hertz, vibrato, gain } = options;
  let phase = options.phase * size;
  const fall = exp2(-32 / (fadeSeconds * sampleRateHz * 0.5));
  let share = 1;
  for (let at = 0; at < length; at += 32) {
    const seconds = at / sampleRateHz;
    const depth = vibrato.cents === 0 ? 0 : vibrato.cents * Math.min(1, Math.max(0, (seconds - vibrato.delaySeconds) / 0.3));
    const bent = depth === 0 ? hertz : hertz * (1 + (depth / 1731.234) * tableSine(seconds * vibrato.hertz));
    const step = (bent * size) / sampleRateHz;
    const a = gain * share;
    const b = gain - a;
    const end = Math.min(length, at + 32);
    if (from === to || share < 0.001) {
      for (let i = at; i < end; i++) {
        const n = phase | 0;
        const low = to[n]!;
        out[i] = out[i]! + gain * (low + (to[n + 1]! - low) * (phase - n));
        phase += step;
        if (phase >= size) phase -= size;
      }
    } else {
      for (let i = at; i < end; i++) {
        const n = phase | 0;
        const fraction = phase - n;
        const low = a * from[n]! + b * to[n]!;
        const high = a * from[n + 1]! + b * to[n + 1]!;
        out[i] = out[i]! + low + (high - low) * fraction;
        phase += step;
        if (phase >= size) phase -= size;
      }
    }
    share *= fall;
  }
}

export interface AdditiveOptions {
  /** The wave at the attack and the wave it fades to. */
  readonly bright: Wave;
  readonly dull: Wave;
  readonly fadeSeconds: number;
  readonly envelope: Envelope;
  readonly vibrato: Vibrato;
  /** Level of breath or bow noise relative to the tone. */
  readonly breath: number;
}

/** Organs, flutes and reeds: harmonics that fade from a bright to a dull mixture, with breath noise and vibrato. */
export function additiveVoice({ bright, dull, fadeSeconds, envelope, vibrato, breath }: AdditiveOptions): Voice {
  return (out, { hertz, seconds, velocity, rng }, sampleRateHz) => {
    const length = noteLength(out, seconds, envelope.release, sampleRateHz);
    out.fill(0, 0, length);
    const from = tableFor(velocity > 0.5 ? bright : dull, hertz, sampleRateHz);
    const to = tableFor(dull, hertz, sampleRateHz);
    oscillate(out, length, { from, to, fadeSeconds, hertz, vibrato, phase: rng(), gain: 1 }, sampleRateHz);
    if (breath > 0) addBreath(out, length, breath, Math.floor(rng() * noiseMask));
    shape(out, length, envelope, seconds, sampleRateHz);
    return length;
  };
}

/** Adds band-passed noise. */
function addBreath(out: Float32Array, length: number, gain: number, offset: number): void {
  let low = 0;
  let slow = 0;
  for (let i = 0; i < length; i++) {
    low += 0.5 * (whiteNoise[(offset + i) & noiseMask]! - low);
    slow += 0.05 * (low - slow);
    out[i] = out[i]! + gain * (low - slow);
  }
}

/** Singing voices: harmonics weighted by formants, so that the vowel stays the same while the pitch changes. */
export function formantVoice(
  formants: readonly (readonly [hertz: number, width: number, gain: number])[],
  options: Omit<AdditiveOptions, "bright" | "dull">,
): Voice {
  const waves = new Map<number, Wave>();
  const waveAt = (hertz: number): Wave => {
    const whole = Math.round(hertz / 8);
    const cached = waves.get(whole);
    if (cached) return cached;
    const middle = Math.max(8, whole * 8); // rounded, so that a note does not depend on which pitch was cached first
    const amplitudes = Array.from({ length: Math.min(64, Math.floor(5000 / middle)) }, (_, i) => {
      const at = (i + 1) * middle;
      const gain = formants.reduce((sum, [centre, width, peak]) => sum + peak / (1 + square((at - centre) / width)), 0.01);
      return gain / Math.sqrt(i + 1);
    });
    const made = wave(amplitudes);
    waves.set(whole, made);
    return made;
  };
  return (out, note, sampleRateHz) => {
    const sung = waveAt(note.hertz);
    return additiveVoice({ ...options, bright: sung, dull: sung })(out, note, sampleRateHz);
  };
}

function square(x: number): number {
  return x * x;
}
