// Mood: arousal and valence by a written rule over facts of the score, never over the loudness or brightness of the sound. Each fact is scaled
// to about -1 … 1 and clamped there:
//
//   tempo         T = log2(beats per minute / 108) / 0.7
//   density       D = log2(onsets a beat / 2.8) / 0.9              onsets closer than 30 ms count once
//   articulation  A = (0.67 - gate) / 0.25                         gate: fraction of its written length for which a note sounds
//   dynamics      F = (mean velocity - 0.63) / 0.17                over all notes and drum hits
//   register      H = (mean pitch - 63) / 10                       midi, of melody and chords, weighted by duration
//   consonance    C = (0.28 - mean roughness of the chords) / 0.3  weighted by duration (theory.ts)
//   mode          M = 1 in major, -1 in minor
//
//   arousal = 0.32 T + 0.24 D + 0.24 A + 0.20 F
//   valence = 0.17 M + 0.24 C + 0.32 H + 0.27 A
//
// The directions are those of Gabrielsson and Lindström's review (Handbook of Music and Emotion, 2010). No single fact decides either value:
// mode and log tempo each explain less than half of the variance (mood.test.ts).
import { clamp, log2 } from "./exact-math.ts";
import type { Mode } from "./theory.ts";

/** What the mood rule reads from the score of an excerpt. */
export interface MoodFacts {
  readonly beatsPerMinute: number;
  readonly onsetsPerBeat: number;
  /** Fraction of its written length for which a note sounds: 1 legato … 0.35 staccato. */
  readonly gate: number;
  /** Mean velocity of notes and drum hits, 0 … 1. */
  readonly velocity: number;
  /** Mean midi pitch of melody and chords. */
  readonly pitch: number;
  /** Mean roughness of the chords, 0 … 1. */
  readonly roughness: number;
  readonly mode: Mode;
}

export interface Mood {
  /** -1 calm … 1 excited. */
  readonly arousal: number;
  /** -1 dark … 1 bright. */
  readonly valence: number;
}

export function moodOf(facts: MoodFacts): Mood {
  const scaled = (value: number) => clamp(value, -1, 1);
  const tempo = scaled(log2(facts.beatsPerMinute / 108) / 0.7);
  const density = scaled(log2(Math.max(facts.onsetsPerBeat, 0.1) / 2.8) / 0.9);
  const articulation = scaled((0.67 - facts.gate) / 0.25);
  const dynamics = scaled((facts.velocity - 0.63) / 0.17);
  const register = scaled((facts.pitch - 63) / 10);
  const consonance = scaled((0.28 - facts.roughness) / 0.3);
  const mode = facts.mode === "major" ? 1 : -1;
  return {
    arousal: round4(0.32 * tempo + 0.24 * density + 0.24 * articulation + 0.2 * dynamics),
    valence: round4(0.17 * mode + 0.24 * consonance + 0.32 * register + 0.27 * articulation),
  };
}

/** A value of -1 … 1 on EmoMusic's scale of 1 … 9. */
export function toNineSteps(value: number): number {
  return round4(5 + 4 * value);
}

/** Rounds to four decimals; never -0. */
export function round4(value: number): number {
  return Math.round(value * 10000) / 10000 + 0;
}
