// Performance: turns a score's beats into seconds, with swing, rubato, timing and velocity deviations, and detuning.
import type { Rng } from "../base/random.ts";
import { bell, between } from "./dice.ts";
import { clamp, sinTurns } from "./exact-math.ts";
import type { DrumPiece, Score } from "./score.ts";
import { styles } from "./styles.ts";

export interface PlayedNote {
  readonly startSeconds: number;
  readonly seconds: number;
  /** A real number: players and instruments are detuned. */
  readonly midi: number;
  readonly velocity: number;
}

export interface PlayedHit {
  readonly startSeconds: number;
  readonly piece: DrumPiece;
  readonly velocity: number;
}

/** The time of each beat in seconds; the last entry is the end of the piece. */
export type BeatTimes = Float64Array;

/** Beat times whose tempo varies slowly by the style's rubato around the score's tempo. */
export function beatTimes(rng: Rng, { beats, character, style }: Score): BeatTimes {
  const { rubato } = styles[style];
  const [wave, slow, phase] = [between(rng, 7, 13), between(rng, 23, 41), rng()];
  const times = new Float64Array(beats + 1);
  const beatSeconds = 60 / character.beatsPerMinute;
  for (let i = 0; i < beats; i++) {
    const deviation = rubato * (sinTurns(i / wave + phase) + 0.6 * sinTurns(i / slow) + 0.3 * bell(rng, 1));
    times[i + 1] = times[i]! + beatSeconds * (1 + deviation);
  }
  return times;
}

/** The time of a beat in seconds, with the swing of eighths and sixteenths. */
export function secondsAt(times: BeatTimes, { swing, swing16 }: Pick<Score, "swing" | "swing16">, beat: number): number {
  const whole = Math.min(Math.floor(beat), times.length - 2);
  let part = beat - whole;
  if (part >= 0 && part < 1) {
    const half = part < 0.5 ? 0 : 0.5;
    const within = bend((part - half) * 2, swing16);
    part = bend(half + within / 2, swing);
  }
  return times[whole]! + part * (times[whole + 1]! - times[whole]!);
}

/** A piecewise linear map of 0 … 1 onto itself that takes 0.5 to `middle`. */
function bend(x: number, middle: number): number {
  return x < 0.5 ? 2 * x * middle : middle + (2 * x - 1) * (1 - middle);
}

/** The factor of all velocities by time: `level`, with a slow swell of the style's depth. */
function swellOf(rng: Rng, { style, character }: Score, level: number): (seconds: number) => number {
  const { swell } = styles[style];
  const [period, phase] = [(between(rng, 12, 24) * 60) / character.beatsPerMinute, rng()];
  return (seconds) => level * (1 + swell * sinTurns(seconds / period + phase));
}

/** The played notes of each part, in the order of the score's parts. */
export function playParts(rng: Rng, score: Score, times: BeatTimes): PlayedNote[][] {
  const tuning = between(rng, -0.12, 0.12); // of the whole band: up to 12 cents from 440 Hz
  const loudness = swellOf(rng, score, 0.55 + 0.6 * score.character.force);
  return score.parts.map(({ notes, role }) => {
    const late = between(rng, -0.006, 0.01);
    const loose = between(rng, 0.002, role === "melody" ? 0.012 : 0.008);
    const own = bell(rng, 0.015);
    return notes.map(({ beat, beats, midi, velocity }) => {
      const start = secondsAt(times, score, beat);
      const end = secondsAt(times, score, beat + beats);
      return {
        startSeconds: start + late + bell(rng, loose),
        seconds: Math.max(0.04, end - start),
        midi: midi + tuning + own + bell(rng, 0.02),
        velocity: clamp(loudness(start) * velocity + bell(rng, 0.06), 0.1, 1),
      };
    });
  });
}

export function playKit(rng: Rng, score: Score, times: BeatTimes): PlayedHit[] {
  const snareLate = between(rng, -0.003, 0.008);
  const loose = between(rng, 0.001, 0.006);
  const loudness = 0.72 + 0.4 * score.character.force;
  return (score.kit?.hits ?? []).map(({ beat, piece, velocity }) => ({
    startSeconds: secondsAt(times, score, beat) + bell(rng, loose) + (piece === "snare" || piece === "clap" ? snareLate : 0),
    piece,
    velocity: clamp(loudness * velocity + bell(rng, 0.07), 0.08, 1),
  }));
}
