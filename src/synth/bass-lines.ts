// Bass lines: the rhythm and pitches of the bass below given chords, one pattern per line name.
import type { Rng } from "../base/random.ts";
import { chance, pick } from "./dice.ts";
import type { Note, SectionContext, Slot } from "./score.ts";
import { chordTones, mod12, nearest, qualities } from "./theory.ts";

type Line = (slot: Slot, next: Slot, section: SectionContext, rng: Rng) => Note[];

const low = 36;

/** The root in the octave from E1 on. */
function rootOf({ chord }: Slot): number {
  const root = nearest(chord.root, low);
  return root < 28 ? root + 12 : root;
}

function note(slot: Slot, at: number, beats: number, midi: number, velocity = 0.8): Note {
  return { beat: slot.beat + at, beats: Math.min(beats, slot.beats - at), midi, velocity };
}

/** A note every `step` beats, with pitches by their count. */
function steady(step: number, pitches: (i: number, root: number, slot: Slot) => number, accents = 4): Line {
  return (slot, _next, { gate }) => {
    const root = rootOf(slot);
    const count = Math.round(slot.beats / step);
    return Array.from({ length: count }, (_, i) =>
      note(slot, i * step, step * gate, pitches(i, root, slot), i % accents === 0 ? 0.9 : 0.72),
    );
  };
}

/** A pattern repeated in each bar: one list of [beat, length in beats, semitones above the root] per step of density. */
function riff(...choices: readonly (readonly (readonly [number, number, number])[])[]): Line {
  return (slot, _next, { gate, beatsPerBar, density }) => {
    const cells = choices[Math.min(choices.length - 1, Math.floor(density * choices.length))]!;
    const notes: Note[] = [];
    for (let bar = 0; bar < slot.beats; bar += beatsPerBar) {
      for (const [at, beats, above] of cells) {
        if (at < beatsPerBar && bar + at < slot.beats) notes.push(note(slot, bar + at, beats * Math.max(0.5, gate), rootOf(slot) + above));
      }
    }
    return notes;
  };
}

/** Quarter notes through the chord tones; the last one is a step away from the next root. */
const walking: Line = (slot, next, { gate }, rng) => {
  const tones = chordTones(slot.chord);
  const target = rootOf(next);
  const notes: Note[] = [];
  let at = rootOf(slot);
  for (let beat = 0; beat < slot.beats; beat++) {
    const last = beat === slot.beats - 1;
    if (beat > 0) at = last ? target + pick(rng, [-1, 1, 2, -2]) : nearest(pick(rng, tones), at + pick(rng, [-3, 3, 4]));
    if (at < 28) at += 12;
    if (at > 52) at -= 12;
    notes.push(note(slot, beat, Math.max(0.6, gate), at, beat % 2 ? 0.82 : 0.75));
    if (chance(rng, 0.12)) notes.push(note(slot, beat + 0.5, 0.4, at, 0.5));
  }
  return notes;
};

const fifthOf = (slot: Slot) => qualities[slot.chord.quality].tones.find((tone) => tone >= 6 && tone <= 8) ?? 7;

export const bassLines = {
  walking,
  eighths: steady(0.5, (_, root) => root, 2),
  driving: (slot, next, section, rng) => steady(section.density > 0.5 ? 0.25 : 0.5, (_, root) => root)(slot, next, section, rng),
  octaves: steady(0.5, (i, root) => root + (i % 2 ? 12 : 0), 2),
  twoBeat: (slot, _next, { gate, beatsPerBar }) => {
    const root = rootOf(slot);
    const halves = beatsPerBar === 3 ? 3 : 2;
    const fifth = root + fifthOf(slot) - (root > 36 ? 12 : 0);
    const count = Math.round(slot.beats / halves);
    return Array.from({ length: count }, (_, i) => note(slot, i * halves, Math.max(0.6, gate), i % 2 ? fifth : root, 0.85));
  },
  boogie: steady(0.5, (i, root) => root + [0, 0, 7, 7, 9, 9, 7, 7][i % 8]!, 2),
  held: (slot, _next, { gate, beatsPerBar, density }) => {
    const step = density > 0.5 && beatsPerBar === 4 ? 2 : beatsPerBar;
    const count = Math.max(1, Math.round(slot.beats / step));
    return Array.from({ length: count }, (_, i) => note(slot, i * step, step * Math.max(0.6, gate), rootOf(slot), 0.65));
  },
  syncopated: riff(
    [
      [0, 1.5, 0],
      [2.5, 1.5, 0],
    ],
    [
      [0, 1, 0],
      [1.5, 0.5, 0],
      [2.5, 0.5, 0],
      [3, 0.75, 7],
    ],
    [
      [0, 0.5, 0],
      [0.75, 0.5, 0],
      [1.5, 0.5, 0],
      [2, 0.5, 0],
      [2.75, 0.5, 12],
      [3.5, 0.5, 7],
    ],
  ),
  sub: riff(
    [
      [0, 2.5, 0],
      [2.75, 1.2, 0],
    ],
    [
      [0, 1.5, 0],
      [1.75, 0.7, 0],
      [2.5, 1.4, 0],
    ],
    [
      [0, 0.75, 0],
      [0.75, 0.7, 0],
      [1.75, 0.7, 12],
      [2.5, 0.7, 0],
      [3.25, 0.7, 0],
    ],
  ),
  riddim: riff(
    [
      [0.5, 0.5, 0],
      [1, 1, 0],
      [2.5, 0.5, 7],
    ],
    [
      [0, 0.75, 0],
      [1, 0.5, 0],
      [1.5, 0.5, 7],
      [2.5, 0.5, 0],
      [3, 0.75, 0],
    ],
    [
      [0, 0.5, 0],
      [0.5, 0.5, 0],
      [1, 0.5, 7],
      [1.5, 0.75, 0],
      [2.5, 0.5, 7],
      [3, 0.5, 9],
      [3.5, 0.5, 7],
    ],
  ),
} as const satisfies Record<string, Line>;

export type BassLine = keyof typeof bassLines;

/** The bass notes of a whole section. */
export function bassNotes(rng: Rng, line: BassLine, section: SectionContext): Note[] {
  const { slots } = section;
  const play: Line = bassLines[line];
  return slots.flatMap((slot, i) => play(slot, slots[(i + 1) % slots.length]!, section, rng)).map(inChord(section));
}

/** Lowers major sixths above the root in minor keys, where they would lie outside the scale. */
function inChord({ slots, key }: SectionContext): (note: Note) => Note {
  return (played) => {
    const chord = slots.findLast(({ beat }) => beat <= played.beat + 1e-6)?.chord;
    if (chord === undefined || key.mode === "major") return played;
    return mod12(played.midi - chord.root) === 9 ? { ...played, midi: played.midi - 1 } : played;
  };
}
