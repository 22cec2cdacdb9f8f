// Labels: what is known of an excerpt by construction.
import type { Split } from "./harmony.ts";
import { type InstrumentName, instrumentNames } from "./instruments.ts";
import { type Mood, type MoodFacts, moodOf, round4 } from "./mood.ts";
import type { Medium } from "./recording.ts";
import type { Part } from "./score.ts";
import { type StyleName, styleNames } from "./styles.ts";
import type { Take } from "./take.ts";
import { type Chord, chordName, keyName, type Mode, qualities } from "./theory.ts";

interface Span {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** The musical part of a label. Times are seconds from the beginning of the excerpt. */
export interface MusicLabel {
  readonly style: StyleName;
  /** In GiantSteps' spelling: "Eb minor". */
  readonly key: string;
  /** Pitch class, 0 = C. */
  readonly tonic: number;
  readonly mode: Mode;
  readonly beatsPerMinute: number;
  readonly beatsPerBar: number;
  /** Position of the second eighth note within a beat: 0.5 straight, 0.67 triplets. */
  readonly swing: number;
  readonly beats: readonly number[];
  readonly downbeats: readonly number[];
  /** In Harte's spelling: Db:min7. */
  readonly chords: readonly (Span & { readonly chord: string })[];
  readonly sections: readonly (Span & { readonly name: string })[];
  /** Those that sound in the excerpt; "drums" among them. */
  readonly instruments: readonly (InstrumentName | "drums")[];
  /** The parts that sound, with the patch of their instrument. */
  readonly players: readonly {
    readonly role: Part["role"] | "drums";
    readonly instrument: InstrumentName | "drums";
    readonly patch: number;
  }[];
  /** What the mood follows from. */
  readonly facts: MoodFacts;
  readonly mood: Mood;
  readonly tags: readonly Tag[];
  readonly medium: Medium;
  readonly reverbSeconds: number;
}

/** The label of a clip: the song it belongs to, its place there, and the music. */
export interface ClipLabel extends MusicLabel {
  /** The clip's number in the corpus, six digits. */
  readonly id: string;
  readonly version: number;
  readonly seed: number;
  readonly split: Split;
  /** The song's number in the corpus, six digits. */
  readonly song: string;
  /** The clip's number within the song, from 0. */
  readonly clip: number;
  /** Where the clip begins in the song. */
  readonly startSeconds: number;
  readonly seconds: number;
  readonly songSeconds: number;
  readonly artists: readonly string[];
  readonly title: string;
  readonly sampleRateHz: number;
}

const wordTags = ["drums", "no drums", "slow", "fast", "swing", "waltz", "happy", "sad", "energetic", "calm"] as const;

/** Fifty tags: styles, instruments and words. */
export const tags = [...styleNames, ...instrumentNames, ...wordTags] as const;
export type Tag = (typeof tags)[number];

/** The label of the music of a take. */
export function musicLabelOf(take: Take): MusicLabel {
  const { score, seconds, times, startSeconds } = take;
  const at = (beat: number) => round4(times[beat]! - startSeconds);
  const within = (time: number) => time >= 0 && time < seconds;
  const spans = <T extends Span>(list: readonly T[]): T[] =>
    list
      .filter((span) => span.endSeconds > 0 && span.startSeconds < seconds)
      .map((span) => ({ ...span, startSeconds: Math.max(0, span.startSeconds), endSeconds: Math.min(seconds, span.endSeconds) }));
  const beats = Array.from({ length: score.beats }, (_, beat) => beat);
  const chords = spans(score.slots.map(({ beat, beats: long, chord }) => ({ startSeconds: at(beat), endSeconds: at(beat + long), chord })));
  const sounding = score.parts.filter((_, i) =>
    take.notes[i]!.some((note) => note.startSeconds < seconds - 0.1 && note.startSeconds + note.seconds > 0.1),
  );
  const drums = take.hits.some((hit) => within(hit.startSeconds));
  const facts = factsOf(take, chords);
  const mood = moodOf(facts);
  const instruments = [...new Set(sounding.map(({ instrument }) => instrument)), ...(drums ? (["drums"] as const) : [])];
  const label = {
    style: score.style,
    key: keyName(score.key),
    tonic: score.key.tonic,
    mode: score.key.mode,
    beatsPerMinute: score.character.beatsPerMinute,
    beatsPerBar: score.beatsPerBar,
    swing: round4(score.swing),
    beats: beats.map(at).filter(within),
    downbeats: beats
      .filter((beat) => beat % score.beatsPerBar === 0)
      .map(at)
      .filter(within),
    chords: chords.map(({ chord, ...span }) => ({ ...span, chord: chordName(chord) })),
    sections: spans(
      score.sections.map(({ name, startBeat, beats: long }) => ({ startSeconds: at(startBeat), endSeconds: at(startBeat + long), name })),
    ),
    instruments,
    players: [
      ...sounding.map(({ role, instrument, patch }) => ({ role, instrument, patch })),
      ...(drums ? [{ role: "drums", instrument: "drums", patch: score.kit!.patch } as const] : []),
    ],
    facts,
    mood,
    medium: take.recording.medium,
    reverbSeconds: round4(take.room.decaySeconds),
  };
  return { ...label, tags: tagsOf(label) };
}

function factsOf({ score, notes, hits, seconds }: Take, chords: readonly (Span & { readonly chord: Chord })[]): MoodFacts {
  const { beatsPerMinute, gate } = score.character;
  const within = ({ startSeconds }: { startSeconds: number }) => startSeconds >= 0 && startSeconds < seconds;
  const events = [...notes.flat(), ...hits].filter(within);
  const pitched = notes
    .filter((_, part) => score.parts[part]!.role !== "bass")
    .flat()
    .filter(within);
  return {
    beatsPerMinute,
    onsetsPerBeat: round4((countOnsets(events.map(({ startSeconds }) => startSeconds)) / seconds / beatsPerMinute) * 60),
    gate: round4(gate),
    velocity: round4(weightedMean(events.map(({ velocity }) => [velocity, 1]))),
    pitch: round4(weightedMean(pitched.map((note) => [note.midi, note.seconds]))),
    roughness: round4(
      weightedMean(chords.map(({ chord, startSeconds, endSeconds }) => [qualities[chord.quality].roughness, endSeconds - startSeconds])),
    ),
    mode: score.key.mode,
  };
}

/** The mean of [value, weight] pairs; 0 for none. */
function weightedMean(pairs: readonly (readonly [number, number])[]): number {
  let [sum, weights] = [0, 0];
  for (const [value, weight] of pairs) [sum, weights] = [sum + value * weight, weights + weight];
  return weights > 0 ? sum / weights : 0;
}

/** Counts moments at which something begins; those within 30 ms count once. */
function countOnsets(starts: number[]): number {
  let [count, last] = [0, Number.NEGATIVE_INFINITY];
  for (const start of starts.sort((a, b) => a - b)) {
    if (start - last < 0.03) continue;
    count++;
    last = start;
  }
  return count;
}

function tagsOf(label: Omit<MusicLabel, "tags">): Tag[] {
  const { mood, beatsPerMinute, beatsPerBar, swing, instruments } = label;
  const words: Record<(typeof wordTags)[number], boolean> = {
    drums: instruments.includes("drums"),
    "no drums": !instruments.includes("drums"),
    slow: beatsPerMinute < 88,
    fast: beatsPerMinute > 128,
    swing: swing > 0.58,
    waltz: beatsPerBar === 3,
    happy: mood.valence > 0.35,
    sad: mood.valence < -0.25,
    energetic: mood.arousal > 0.2,
    calm: mood.arousal < -0.25,
  };
  const has = new Set<Tag>([label.style, ...instruments, ...wordTags.filter((word) => words[word])]);
  return tags.filter((tag) => has.has(tag));
}
