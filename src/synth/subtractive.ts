// Subtractive synthesis: oscillators in unison through a low-pass filter with an envelope.
import { exp, exp2 } from "./exact-math.ts";
import { type Envelope, noteLength, shape, sweepLowPass, type Voice } from "./voice.ts";
import { oscillate, tableFor, type Vibrato, type Wave, wave } from "./wavetable.ts";

export const saw: Wave = wave(Array.from({ length: 128 }, (_, i) => 1 / (i + 1)));
export const square: Wave = wave(Array.from({ length: 128 }, (_, i) => (i % 2 ? 0 : 1 / (i + 1))));
export const triangle: Wave = wave(Array.from({ length: 64 }, (_, i) => (i % 2 ? 0 : 1 / ((i + 1) * (i + 1)))));

export interface SubtractiveOptions {
  readonly source: Wave;
  /** Number of oscillators, and the distance between the outer two. */
  readonly unison: number;
  readonly detuneCents: number;
  /** Level of a triangle wave one octave below, relative to the others. */
  readonly subGain: number;
  /** Cutoff at rest in hertz: cutoffHertz + openness · the note's frequency. */
  readonly openness: number;
  readonly cutoffHertz: number;
  /** Octaves by which the cutoff is raised at the attack, and the time constant of its decay. */
  readonly sweepOctaves: number;
  readonly sweepSeconds: number;
  readonly resonance: number;
  readonly envelope: Envelope;
  readonly vibrato: Vibrato;
}

export function subtractiveVoice(options: SubtractiveOptions): Voice {
  const { source, unison, detuneCents, subGain, openness, cutoffHertz, sweepOctaves, sweepSeconds, resonance, envelope, vibrato } = options;
  return (out, { hertz, seconds, velocity, rng }, sampleRateHz) => {
    const length = noteLength(out, seconds, envelope.release, sampleRateHz);
    out.fill(0, 0, length);
    for (let voice = 0; voice < unison; voice++) {
      const cents = unison === 1 ? 0 : detuneCents * (voice / (unison - 1) - 0.5);
      const own = hertz * exp2(cents / 1200);
      const table = tableFor(source, own * 1.01, sampleRateHz);
      const drift = { ...vibrato, hertz: vibrato.hertz * (1 + 0.1 * voice) };
      oscillate(
        out,
        length,
        { from: table, to: table, fadeSeconds: 1, hertz: own, vibrato: drift, phase: rng(), gain: 1 / Math.sqrt(unison) },
        sampleRateHz,
      );
    }
    if (subGain > 0) {
      const table = tableFor(triangle, hertz / 2, sampleRateHz);
      oscillate(
        out,
        length,
        { from: table, to: table, fadeSeconds: 1, hertz: hertz / 2, vibrato, phase: rng(), gain: subGain },
        sampleRateHz,
      );
    }
    const rest = cutoffHertz + openness * hertz;
    const reach = sweepOctaves * (0.4 + 0.8 * velocity);
    sweepLowPass(out, length, (at) => rest * exp2(reach * exp(-at / sweepSeconds)), resonance, sampleRateHz);
    shape(out, length, envelope, seconds, sampleRateHz);
    return length;
  };
}
