// Takes: a performed score from the beginning of a recording, and excerpts of it.
import type { Rng } from "../base/random.ts";
import { between, betweenLog } from "./dice.ts";
import type { Compression } from "./mixdown.ts";
import { type BeatTimes, beatTimes, type PlayedHit, type PlayedNote, playKit, playParts } from "./performance.ts";
import { drawRecording, type Recording } from "./recording.ts";
import { drawRoom, type Room } from "./reverb.ts";
import type { Score } from "./score.ts";
import { styles } from "./styles.ts";

/** What is played between `startSeconds` of a piece and `seconds` later. */
export interface Take {
  readonly score: Score;
  /** Beat times of the whole piece. */
  readonly times: BeatTimes;
  readonly startSeconds: number;
  readonly seconds: number;
  /** One list a part of the score; times count from the beginning of the take. */
  readonly notes: readonly (readonly PlayedNote[])[];
  readonly hits: readonly PlayedHit[];
  readonly room: Room;
  readonly compression: Compression;
  readonly recording: Recording;
}

/** Performs a score and draws the excerpt that is recorded, the room and the recording. */
export function perform(rng: Rng, score: Score, { seconds }: { seconds: number }): Take {
  const style = styles[score.style];
  const times = beatTimes(rng, score);
  const startSeconds = rng() * Math.max(0, times.at(-1)! - seconds - 1);
  const whole = {
    score,
    times,
    startSeconds: 0,
    seconds: times.at(-1)!,
    notes: playParts(rng, score, times),
    hits: playKit(rng, score, times),
    room: drawRoom(rng, style.room),
    compression: {
      // A mix played louder goes further into the compressor.
      thresholdDecibels: between(rng, -4, 2) - 8 * (score.character.force - 0.5),
      ratio: betweenLog(rng, ...style.compression),
      attackSeconds: betweenLog(rng, 0.003, 0.03),
      releaseSeconds: betweenLog(rng, 0.05, 0.3),
    },
    recording: drawRecording(rng, score.character.force),
  };
  return excerptOf(whole, startSeconds, seconds);
}

/** The part of a take from `startSeconds` of it. Notes that begin up to 2 s earlier and still sound are kept. */
export function excerptOf(take: Take, startSeconds: number, seconds: number): Take {
  const shift = <T extends { startSeconds: number }>(event: T): T => ({ ...event, startSeconds: event.startSeconds - startSeconds });
  const sounds = (event: { startSeconds: number; seconds?: number }) =>
    event.startSeconds < seconds && event.startSeconds + (event.seconds ?? 0) > -2;
  return {
    ...take,
    startSeconds: take.startSeconds + startSeconds,
    seconds,
    notes: take.notes.map((notes) => notes.map(shift).filter(sounds)),
    hits: take.hits.map(shift).filter(sounds),
  };
}
