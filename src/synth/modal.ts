// Modal synthesis: a sum of decaying sines, each with its own frequency, level and decay: pianos, vibraphones, marimbas.
import { cosTurns, exp2, sinTurns } from "./exact-math.ts";
import { type Envelope, noteLength, shape, type Voice } from "./voice.ts";

export interface Partial {
  /** Frequency relative to the note's. */
  readonly ratio: number;
  readonly gain: number;
  /** Seconds until the amplitude is a thousandth, at middle C. */
  readonly ring: number;
}

export interface ModalOptions {
  readonly partials: readonly Partial[];
  /** Stretches partials as stiff strings do: f_n = n f √(1 + B n²). */
  readonly stiffness: number;
  /** How strongly velocity raises the higher partials: exponent of two per unit of velocity and root of the ratio. */
  readonly hardness: number;
  /** Release time in seconds. */
  readonly release: number;
  /** Tremolo of a vibraphone: rate and depth. */
  readonly tremolo?: { readonly hertz: number; readonly depth: number };
}

const strike: Omit<Envelope, "release"> = { attack: 0.002, decay: 1, sustain: 1 };

export function modalVoice({ partials, stiffness, hardness, release, tremolo }: ModalOptions): Voice {
  return (out, { hertz, seconds, velocity, rng }, sampleRateHz) => {
    const pitchFactor = Math.sqrt(261.6 / hertz); // high notes decay faster
    const ringing = Math.min(seconds, 1.2 * pitchFactor * Math.max(...partials.map(({ ring }) => ring)));
    const length = noteLength(out, ringing, release, sampleRateHz);
    out.fill(0, 0, length);
    for (const { ratio, gain, ring } of partials) {
      const own = hertz * ratio * Math.sqrt(1 + stiffness * ratio * ratio);
      if (own > 0.45 * sampleRateHz) continue;
      const level = gain * exp2(hardness * (velocity - 0.7) * Math.sqrt(ratio));
      addPartial(out, length, { turns: own / sampleRateHz, level, ringSamples: ring * pitchFactor * sampleRateHz, phase: rng() });
    }
    if (tremolo) {
      const step = tremolo.hertz / sampleRateHz;
      for (let i = 0; i < length; i += 32) {
        const level = 1 - tremolo.depth * (0.5 + 0.5 * sinTurns(i * step));
        for (let j = i; j < Math.min(length, i + 32); j++) out[j] = out[j]! * level;
      }
    }
    shape(out, length, { ...strike, release }, ringing, sampleRateHz);
    return length;
  };
}

/** Adds a decaying sine, computed by one complex rotation a sample, until its amplitude is a thousandth. */
function addPartial(
  out: Float32Array,
  length: number,
  { turns, level, ringSamples, phase }: { turns: number; level: number; ringSamples: number; phase: number },
): void {
  const decay = exp2(-10 / ringSamples);
  const c = decay * cosTurns(turns);
  const s = decay * sinTurns(turns);
  let x = level * sinTurns(phase);
  let y = level * cosTurns(phase);
  const end = Math.min(length, Math.floor(ringSamples));
  for (let i = 0; i < end; i++) {
    out[i] = out[i]! + x;
    const turned = c * x + s * y;
    y = c * y - s * x;
    x = turned;
  }
}
