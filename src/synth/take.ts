// Takes: a score as it was played, and the excerpt of it that a clip holds.
import type { Rng } from "../base/random.ts";
import { between, betweenLog } from "./dice.ts";
import type { Compression } from "./mixdown.ts";
import { type BeatTimes, beatTimes, type PlayedHit, type PlayedNote, playKit, playParts } from "./performance.ts";
import { drawRecording, type Recording } from "./recording.ts";
import { drawRoom, type Room } from "./reverb.ts";
import type { Score } from "./score.ts";

/** A piece as it was played, from where the excerpt begins. */
export interface Take {
  readonly score: Score;
  /** Of the whole piece; the excerpt begins at `startSeconds` of it. */
  readonly times: BeatTimes;
  readonly startSeconds: number;
  readonly seconds: number;
  /** One list a part of the score; times count from the excerpt's beginning. */
  readonly notes: readonly (readonly PlayedNote[])[];
  readonly hits: readonly PlayedHit[];
  readonly room: Room;
  readonly compression: Compression;
  readonly recording: Recording;
}

/** Plays a score and chooses its excerpt, room and recording. `startSeconds` fixes the excerpt. */
export function perform(rng: Rng, score: Score, { seconds, startSeconds }: { seconds: number; startSeconds?: number }): Take {
  const times = beatTimes(rng, score);
  const start = startSeconds ?? rng() * Math.max(0, times.at(-1)! - seconds - 1);
  const shift = <T extends { startSeconds: number }>(event: T): T => ({ ...event, startSeconds: event.startSeconds - start });
  const heard = (event: { startSeconds: number; seconds?: number }) =>
    event.startSeconds < seconds && event.startSeconds + (event.seconds ?? 0) > -2;
  return {
    score,
    times,
    startSeconds: start,
    seconds,
    notes: playParts(rng, score, times).map((notes) => notes.map(shift).filter(heard)),
    hits: playKit(rng, score, times).map(shift).filter(heard),
    room: drawRoom(rng),
    compression: {
      thresholdDecibels: between(rng, -6, 3),
      ratio: betweenLog(rng, 1.5, 5),
      attackSeconds: betweenLog(rng, 0.003, 0.03),
      releaseSeconds: betweenLog(rng, 0.05, 0.3),
    },
    recording: drawRecording(rng),
  };
}
