// Score: the data types of a composed piece. Times are in beats; the performance turns them into seconds.
import type { Split } from "./harmony.ts";
import type { InstrumentName } from "./instruments.ts";
import type { StyleName } from "./styles.ts";
import type { Chord, Key } from "./theory.ts";

/** The pieces of a drum kit. */
export const drumPieces = [
  "kick",
  "snare",
  "rim",
  "clap",
  "hat",
  "openHat",
  "ride",
  "crash",
  "tom",
  "shaker",
  "tambourine",
  "conga",
  "brush",
] as const;
export type DrumPiece = (typeof drumPieces)[number];

export interface Note {
  readonly beat: number;
  /** Sounding length. */
  readonly beats: number;
  readonly midi: number;
  /** 0 … 1. */
  readonly velocity: number;
}

export interface Hit {
  readonly beat: number;
  readonly piece: DrumPiece;
  readonly velocity: number;
}

/** A chord with its start and length. */
export interface Slot {
  readonly beat: number;
  readonly beats: number;
  readonly chord: Chord;
}

/** The context in which the parts of a section are written. */
export interface SectionContext {
  readonly key: Key;
  readonly slots: readonly Slot[];
  readonly bars: number;
  readonly beatsPerBar: number;
  /** 0 sparse … 1 busy. */
  readonly density: number;
  /** Fraction of its written length for which a note sounds: 1 legato, 0.3 staccato. */
  readonly gate: number;
}

export interface Section {
  readonly name: string;
  readonly startBeat: number;
  readonly beats: number;
}

/** A part: an instrument with its patch, its level and position in the mix, and its notes. */
export interface Part {
  readonly role: "bass" | "chords" | "melody";
  readonly instrument: InstrumentName;
  readonly patch: number;
  /** Level relative to the other parts. */
  readonly decibels: number;
  /** -1 left … 1 right. */
  readonly pan: number;
  readonly notes: readonly Note[];
}

/** The expressive settings of a piece. */
export interface Character {
  readonly beatsPerMinute: number;
  readonly density: number;
  readonly gate: number;
  /** Probability of rough chords, 0 … 1. */
  readonly tension: number;
  /** Dynamics: 0 soft … 1 loud; scales all velocities. */
  readonly force: number;
  /** Transposition of melody and chords: -1 low … 1 high. */
  readonly register: number;
}

export interface Score {
  readonly style: StyleName;
  readonly split: Split;
  readonly key: Key;
  readonly character: Character;
  readonly beatsPerBar: number;
  /** Where the second eighth of a beat falls: 0.5 straight … 0.67 triplets. */
  readonly swing: number;
  /** The same for sixteenths within an eighth. */
  readonly swing16: number;
  readonly beats: number;
  readonly sections: readonly Section[];
  readonly slots: readonly Slot[];
  readonly parts: readonly Part[];
  readonly kit: { readonly patch: number; readonly decibels: number; readonly hits: readonly Hit[] } | undefined;
}
