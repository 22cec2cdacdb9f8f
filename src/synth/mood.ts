// Mood: arousal and valence by a written rule, from what the score says: never from how loud or bright the file is.
//
//   tempo        T = log2(beats per minute / 108) / 0.7                      held to -1 … 1
//   busyness     D = log2(onsets a second / 6) / 1.5                         held to -1 … 1; onsets closer than 30 ms count once
//   detachment   S = (0.675 - share of its length that a note sounds) / 0.325
//   mode         M = 1 in major, -1 in minor
//   roughness    R = 1 - 2 · mean roughness of the chords (theory.ts), by time  held to -1 … 1
//
//   arousal = 0.45 T + 0.35 D + 0.20 S          valence = 0.60 M + 0.22 R + 0.18 T
import { clamp, log2 } from "./exact-math.ts";
import { type Mode, type Quality, qualities } from "./theory.ts";

export interface MoodCues {
  readonly beatsPerMinute: number;
  readonly onsetsPerSecond: number;
  /** 1 legato … 0.35 staccato. */
  readonly gate: number;
  readonly mode: Mode;
  /** Chords with the seconds they last. */
  readonly chords: readonly { readonly quality: Quality; readonly seconds: number }[];
}

export interface Mood {
  /** -1 calm … 1 excited. */
  readonly arousal: number;
  /** -1 dark … 1 bright. */
  readonly valence: number;
}

export function moodOf({ beatsPerMinute, onsetsPerSecond, gate, mode, chords }: MoodCues): Mood {
  const tempo = clamp(log2(beatsPerMinute / 108) / 0.7, -1, 1);
  const busyness = clamp(log2(Math.max(onsetsPerSecond, 0.1) / 6) / 1.5, -1, 1);
  const detachment = clamp((0.675 - gate) / 0.325, -1, 1);
  let [time, rough] = [0, 0];
  for (const { quality, seconds } of chords) {
    time += seconds;
    rough += seconds * qualities[quality].roughness;
  }
  const smoothness = 1 - 2 * (time > 0 ? rough / time : 0);
  return {
    arousal: round4(0.45 * tempo + 0.35 * busyness + 0.2 * detachment),
    valence: round4(0.6 * (mode === "major" ? 1 : -1) + 0.22 * smoothness + 0.18 * tempo),
  };
}

/** EmoMusic's scale, 1 … 9. */
export function toNineSteps(value: number): number {
  return round4(5 + 4 * value);
}

export function round4(value: number): number {
  return Math.round(value * 10000) / 10000 + 0; // -0 would be another value to whoever compares
}
