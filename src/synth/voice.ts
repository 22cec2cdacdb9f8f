// Voices: what all instruments share: the envelope of a note, tables of sines and noise, and a filter.
import type { Rng } from "../base/random.ts";
import { seededBy } from "./dice.ts";
import { cosTurns, exp2, sinTurns } from "./exact-math.ts";

export interface VoiceNote {
  readonly hertz: number;
  /** How long the note is held; its release follows. */
  readonly seconds: number;
  /** 0 … 1: most instruments get brighter with it. Loudness is set in the mixdown. */
  readonly velocity: number;
  readonly rng: Rng;
}

/** Overwrites the beginning of `out` with a note and returns its length in samples, release included. */
export type Voice = (out: Float32Array, note: VoiceNote, sampleRateHz: number) => number;

/** Attack, decay and release in seconds, and the level that is sustained (0 … 1). */
export interface Envelope {
  readonly attack: number;
  readonly decay: number;
  readonly sustain: number;
  readonly release: number;
}

/** Length of a note with its release in samples, at most the length of `out`. */
export function noteLength(out: Float32Array, seconds: number, release: number, sampleRateHz: number): number {
  return Math.min(out.length, Math.round((seconds + release) * sampleRateHz));
}

/** Multiplies a note by its envelope, linear over blocks of 16 samples. `held` is in seconds. */
export function shape(
  out: Float32Array,
  length: number,
  { attack, decay, sustain, release }: Envelope,
  held: number,
  sampleRateHz: number,
): void {
  const fall = exp2(-16 / (Math.max(decay, 0.001) * sampleRateHz * 0.3)); // a tenth is left after `decay`
  const fade = exp2(-16 / (Math.max(release, 0.004) * sampleRateHz * 0.15));
  const heldSamples = Math.round(held * sampleRateHz);
  const attackStep = 16 / Math.max(16, attack * sampleRateHz);
  let level = 0;
  let excess = 1 - sustain;
  let rising = true;
  let released = 1;
  for (let at = 0; at < length; at += 16) {
    let next: number;
    if (rising) {
      next = Math.min(1, level / released + attackStep);
      if (next >= 1) rising = false;
    } else {
      excess *= fall;
      next = sustain + excess;
    }
    if (at + 16 > heldSamples) released *= fade;
    next *= released;
    const end = Math.min(16, length - at);
    const slope = (next - level) / 16;
    for (let i = 0; i < end; i++) out[at + i] = out[at + i]! * (level + slope * i);
    level = next;
  }
  // Fades the last 48 samples, so that a short release does not click.
  const tail = Math.min(length, 48);
  for (let i = 1; i <= tail; i++) out[length - i] = out[length - i]! * ((i - 1) / tail);
}

const sineSteps = 4096;

/** One period of a sine; the last value repeats the first. */
export const sineTable = Float32Array.from({ length: sineSteps + 1 }, (_, i) => sinTurns(i / sineSteps));

/** sin(2π · turns) for turns from 0, interpolated in the table: within 3e-7. */
export function tableSine(turns: number): number {
  const x = (turns - Math.floor(turns)) * sineSteps;
  const i = x | 0;
  const low = sineTable[i]!;
  return low + (sineTable[i + 1]! - low) * (x - i);
}

export const noiseMask = 0xffff;

/** White noise, ±1. Each voice reads it from its own offset. */
export const whiteNoise = (() => {
  const rng = seededBy("white noise");
  return Float32Array.from({ length: noiseMask + 1 }, () => 2 * rng() - 1);
})();

/** A state-variable low-pass (Zavalishin, The Art of VA Filter Design), in place. `cutoffAt(seconds)` gives the cutoff in hertz and is
 *  called every 32 samples. resonance: 0 … 0.95. */
export function sweepLowPass(
  out: Float32Array,
  length: number,
  cutoffAt: (seconds: number) => number,
  resonance: number,
  sampleRateHz: number,
): void {
  const k = 2 - 2 * resonance;
  let s1 = 0;
  let s2 = 0;
  for (let at = 0; at < length; at += 32) {
    const cutoff = Math.min(0.45, Math.max(20, cutoffAt(at / sampleRateHz)) / sampleRateHz);
    const g = sinTurns(cutoff / 2) / cosTurns(cutoff / 2);
    const a1 = 1 / (1 + g * (g + k));
    const a2 = g * a1;
    const a3 = g * a2;
    const end = Math.min(length, at + 32);
    for (let i = at; i < end; i++) {
      const v3 = out[i]! - s2;
      const v1 = a1 * s1 + a2 * v3;
      const v2 = s2 + a2 * s1 + a3 * v3;
      s1 = 2 * v1 - s1;
      s2 = 2 * v2 - s2;
      out[i] = v2;
    }
  }
}
