// Labels: what is true of a clip by construction.
import { log2 } from "./exact-math.ts";
import type { Split } from "./harmony.ts";
import { type InstrumentName, instrumentNames } from "./instruments.ts";
import { type Mood, moodOf, round4 } from "./mood.ts";
import type { Medium } from "./recording.ts";
import type { Part } from "./score.ts";
import { type StyleName, styleNames } from "./styles.ts";
import type { Take } from "./take.ts";
import { chordName, keyName, type Mode } from "./theory.ts";

/** Times are seconds from the beginning of the clip. */
export interface ClipLabel {
  /** Six digits, the clip's number. */
  readonly id: string;
  readonly version: number;
  readonly seed: number;
  readonly split: Split;
  readonly seconds: number;
  readonly sampleRateHz: number;
  readonly style: StyleName;
  /** As GiantSteps spells it: "Eb minor". */
  readonly key: string;
  /** Pitch class, 0 = C. */
  readonly tonic: number;
  readonly mode: Mode;
  readonly beatsPerMinute: number;
  readonly beatsPerBar: number;
  /** Where the second eighth of a beat falls: 0.5 straight, 0.67 triplets. */
  readonly swing: number;
  readonly beats: readonly number[];
  readonly downbeats: readonly number[];
  /** Harte's spelling: Db:min7. */
  readonly chords: readonly { readonly startSeconds: number; readonly endSeconds: number; readonly chord: string }[];
  readonly sections: readonly { readonly startSeconds: number; readonly endSeconds: number; readonly name: string }[];
  /** Those that sound in the clip; "drums" among them. */
  readonly instruments: readonly (InstrumentName | "drums")[];
  /** Who plays what, with which patch. */
  readonly players: readonly {
    readonly role: Part["role"] | "drums";
    readonly instrument: InstrumentName | "drums";
    readonly patch: number;
  }[];
  readonly onsetsPerSecond: number;
  readonly gate: number;
  readonly mood: Mood;
  readonly tags: readonly Tag[];
  readonly medium: Medium;
  /** Seconds the room rings. */
  readonly reverbSeconds: number;
}

const wordTags = ["drums", "no drums", "slow", "fast", "swing", "waltz", "happy", "sad", "energetic", "calm"] as const;

/** Fifty: styles, instruments and words. */
export const tags = [...styleNames, ...instrumentNames, ...wordTags] as const;
export type Tag = (typeof tags)[number];

/** The label of a take. */
export function labelOf(take: Take, of: { index: number; seed: number; version: number; sampleRateHz: number }): ClipLabel {
  const { score, seconds, times, startSeconds } = take;
  const at = (beat: number) => round4(times[beat]! - startSeconds);
  const within = (time: number) => time >= 0 && time < seconds;
  const spans = <T extends { startSeconds: number; endSeconds: number }>(list: readonly T[]): T[] =>
    list
      .filter((span) => span.endSeconds > 0 && span.startSeconds < seconds)
      .map((span) => ({ ...span, startSeconds: Math.max(0, span.startSeconds), endSeconds: Math.min(seconds, span.endSeconds) }));
  const beats = Array.from({ length: score.beats }, (_, beat) => beat);
  const slots = spans(score.slots.map(({ beat, beats: long, chord }) => ({ startSeconds: at(beat), endSeconds: at(beat + long), chord })));
  const sounding = score.parts.filter((_, i) =>
    take.notes[i]!.some((note) => note.startSeconds < seconds - 0.1 && note.startSeconds + note.seconds > 0.1),
  );
  const drums = take.hits.some((hit) => within(hit.startSeconds));
  const { beatsPerMinute, gate } = score.character;
  const onsetsPerSecond = round4(countOnsets(take) / seconds);
  const chords = slots.map(({ chord, startSeconds: from, endSeconds: to }) => ({ quality: chord.quality, seconds: to - from }));
  const mood = moodOf({ beatsPerMinute, onsetsPerSecond, gate, mode: score.key.mode, chords });
  const instruments = [...new Set(sounding.map(({ instrument }) => instrument)), ...(drums ? (["drums"] as const) : [])];
  const label = {
    id: String(of.index).padStart(6, "0"),
    version: of.version,
    seed: of.seed,
    split: score.split,
    seconds,
    sampleRateHz: of.sampleRateHz,
    style: score.style as StyleName,
    key: keyName(score.key),
    tonic: score.key.tonic,
    mode: score.key.mode,
    beatsPerMinute,
    beatsPerBar: score.beatsPerBar,
    swing: round4(score.swing),
    beats: beats.map(at).filter(within),
    downbeats: beats
      .filter((beat) => beat % score.beatsPerBar === 0)
      .map(at)
      .filter(within),
    chords: slots.map(({ chord, ...span }) => ({ ...span, chord: chordName(chord) })),
    sections: spans(
      score.sections.map(({ name, startBeat, beats: long }) => ({ startSeconds: at(startBeat), endSeconds: at(startBeat + long), name })),
    ),
    instruments,
    players: [
      ...sounding.map(({ role, instrument, patch }) => ({ role, instrument, patch })),
      ...(drums ? [{ role: "drums", instrument: "drums", patch: score.kit!.patch } as const] : []),
    ],
    onsetsPerSecond,
    gate: round4(gate),
    mood,
    medium: take.recording.medium,
    reverbSeconds: round4(take.room.decaySeconds),
  };
  return { ...label, tags: tagsOf(label) };
}

/** Moments at which something begins; those within 30 ms count once. */
function countOnsets({ notes, hits, seconds }: Take): number {
  const starts = [...notes.flat(), ...hits].map((event) => event.startSeconds).filter((start) => start >= 0 && start < seconds);
  starts.sort((a, b) => a - b);
  let [count, last] = [0, -1];
  for (const start of starts) {
    if (start - last < 0.03) continue;
    count++;
    last = start;
  }
  return count;
}

function tagsOf(label: Omit<ClipLabel, "tags">): Tag[] {
  const { mood, beatsPerMinute, beatsPerBar, swing, instruments } = label;
  const words: Record<(typeof wordTags)[number], boolean> = {
    drums: instruments.includes("drums"),
    "no drums": !instruments.includes("drums"),
    slow: log2(beatsPerMinute / 88) < 0,
    fast: log2(beatsPerMinute / 128) > 0,
    swing: swing > 0.58,
    waltz: beatsPerBar === 3,
    happy: mood.valence > 0.65,
    sad: mood.valence < -0.45,
    energetic: mood.arousal > 0.2,
    calm: mood.arousal < -0.35,
  };
  const has = new Set<Tag>([label.style, ...instruments, ...wordTags.filter((word) => words[word])]);
  return tags.filter((tag) => has.has(tag));
}
