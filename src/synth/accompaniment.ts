// Accompaniment: how chords are laid out over the bar, from held pads to chugging guitars.
import type { Rng } from "../base/random.ts";
import { chance, pick } from "./dice.ts";
import type { Note, SectionContext, Slot } from "./score.ts";
import { chordTones, mod12, nearest } from "./theory.ts";

/** The notes of a chord, low to high. */
type Voicing = readonly number[];
type Figure = (slot: Slot, voicing: Voicing, section: SectionContext, rng: Rng) => Note[];

/** A chord around the midi note `centre`, each voice moved as little as possible from the chord `before`. */
export function voiceChord(slot: Slot, centre: number, before: Voicing | undefined): Voicing {
  const tones = chordTones(slot.chord).slice(0, 4);
  const anchor = before === undefined ? centre : (2 * centre + mean(before)) / 3;
  const placed = tones.map((tone, i) => nearest(tone, anchor + (i - (tones.length - 1) / 2) * 3.2));
  const voicing = [...new Set(placed)].sort((a, b) => a - b);
  if (slot.chord.quality === "5") voicing.push(voicing[0]! + 12);
  return voicing;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function chordAt(slot: Slot, at: number, beats: number, voicing: Voicing, velocity: number, strum = 0): Note[] {
  return voicing.map((midi, i) => ({ beat: slot.beat + at + i * strum, beats: Math.min(beats, slot.beats - at), midi, velocity }));
}

/** Chords at given beats of each bar: one list of [beat, length in beats, velocity] per step of density. */
function hits(...choices: readonly (readonly (readonly [number, number, number])[])[]): Figure {
  return (slot, voicing, { beatsPerBar, density, gate }) => {
    const cells = choices[Math.min(choices.length - 1, Math.floor(density * choices.length))]!;
    const notes: Note[] = [];
    for (let bar = 0; bar < slot.beats; bar += beatsPerBar) {
      for (const [at, beats, velocity] of cells) {
        if (at < beatsPerBar && bar + at < slot.beats) notes.push(...chordAt(slot, bar + at, beats * gate, voicing, velocity, 0.01));
      }
    }
    return notes;
  };
}

/** Broken chords: the voices one after another, in the given orders, a note every `step(density)` beats. */
function broken(orders: readonly (readonly number[])[], step: (density: number) => number): Figure {
  return (slot, voicing, { density, gate }, rng) => {
    const each = step(density);
    const order = orders.length > 1 && chance(rng, 0.2) ? pick(rng, orders) : orders[0]!;
    const count = Math.round(slot.beats / each);
    return Array.from({ length: count }, (_, i) => {
      const voice = order[i % order.length]!;
      const midi = voicing[voice % voicing.length]! + 12 * Math.floor(voice / voicing.length);
      return { beat: slot.beat + i * each, beats: each * Math.max(gate, 0.4), midi, velocity: i % order.length === 0 ? 0.75 : 0.6 };
    });
  };
}

const strummed: Figure = (slot, voicing, { density, gate }) => {
  const step = density > 0.65 ? 0.25 : density > 0.25 ? 0.5 : 1;
  const count = Math.round(slot.beats / step);
  return Array.from({ length: count }, (_, i) => {
    const down = i % 2 === 0;
    return chordAt(slot, i * step, step * gate, down ? voicing : voicing.slice(1), i % 4 === 0 ? 0.8 : down ? 0.65 : 0.5, 0.02);
  }).flat();
};

/** Palm-muted root and fifth in sixteenths; density decides which sixteenths rest, and accents ring longer. */
const chug: Figure = (slot, voicing, { density, gate }, rng) => {
  const power = [voicing[0]!, voicing[0]! + 7, voicing[0]! + 12];
  const cell = density > 0.66 ? "xxxxxxxx" : density > 0.33 ? "x.xxx.xx" : "x.x.x.x.";
  const shift = chance(rng, 0.3) ? 2 : 0;
  const notes: Note[] = [];
  for (let i = 0; i < slot.beats * 4; i++) {
    if (cell[(i + shift) % 8] !== "x") continue;
    const accent = i % 8 === 0;
    notes.push(...chordAt(slot, i / 4, accent ? 0.5 * (0.4 + gate) : 0.2, accent ? power : power.slice(0, 2), accent ? 0.9 : 0.6));
  }
  return notes;
};

export const figures = {
  pad: (slot, voicing, { gate }) => chordAt(slot, 0, slot.beats * (0.4 + 0.58 * gate), voicing, 0.6),
  strummed,
  chug,
  alberti: broken([[0, 2, 1, 2]], (density) => (density > 0.6 ? 0.25 : 0.5)),
  arpeggio: broken(
    [
      [0, 1, 2, 3, 2, 1],
      [0, 2, 1, 3],
      [3, 2, 1, 0],
    ],
    (density) => (density > 0.5 ? 0.25 : 0.5),
  ),
  rolls: broken([[0, 2, 3, 1, 2, 3, 0, 2]], (density) => (density > 0.35 ? 0.25 : 0.5)),
  backbeat: hits(
    [
      [1, 0.8, 0.7],
      [3, 0.8, 0.7],
    ],
    [
      [1, 0.6, 0.75],
      [3, 0.6, 0.75],
      [3.5, 0.4, 0.5],
    ],
    [
      [1, 0.5, 0.8],
      [1.5, 0.4, 0.5],
      [2, 0.5, 0.6],
      [3, 0.5, 0.8],
      [3.5, 0.4, 0.5],
    ],
  ),
  skank: hits(
    [
      [1, 0.3, 0.7],
      [3, 0.3, 0.7],
    ],
    [
      [0.5, 0.3, 0.7],
      [1.5, 0.3, 0.7],
      [2.5, 0.3, 0.7],
      [3.5, 0.3, 0.7],
    ],
    [
      [0.5, 0.25, 0.75],
      [0.75, 0.2, 0.4],
      [1.5, 0.25, 0.75],
      [2.5, 0.25, 0.75],
      [2.75, 0.2, 0.4],
      [3.5, 0.25, 0.75],
    ],
  ),
  charleston: hits(
    [[0, 1.2, 0.6]],
    [
      [0, 0.8, 0.65],
      [1.5, 0.5, 0.7],
    ],
    [
      [0.5, 0.4, 0.6],
      [1.5, 0.5, 0.7],
      [2.5, 0.4, 0.6],
      [3.5, 0.5, 0.65],
    ],
  ),
  shuffle: (slot, voicing, { density, gate }) => {
    const base = voicing[0]!;
    const step = density > 0.3 ? 0.5 : 1;
    return Array.from({ length: Math.round(slot.beats / step) }, (_, i) => {
      const top = Math.floor((i * step) % 2) === 0 ? 7 : 9;
      return [base, base + top].map((midi) => ({ beat: slot.beat + i * step, beats: step * gate, midi, velocity: i % 2 ? 0.55 : 0.75 }));
    }).flat();
  },
  stabs: hits(
    [
      [0, 0.4, 0.8],
      [2.5, 0.4, 0.7],
    ],
    [
      [0.5, 0.3, 0.7],
      [1.5, 0.3, 0.7],
      [2.5, 0.3, 0.75],
      [3.5, 0.3, 0.7],
    ],
    [
      [0, 0.2, 0.8],
      [0.5, 0.2, 0.6],
      [0.75, 0.2, 0.6],
      [1.5, 0.2, 0.7],
      [2.25, 0.2, 0.6],
      [2.5, 0.2, 0.7],
      [3, 0.2, 0.6],
      [3.75, 0.2, 0.6],
    ],
  ),
  loop: hits(
    [[0, 1.5, 0.7]],
    [
      [0, 1.4, 0.7],
      [2.5, 1.2, 0.6],
    ],
    [
      [0, 0.7, 0.7],
      [0.75, 0.7, 0.6],
      [1.5, 0.9, 0.65],
      [2.5, 1.2, 0.6],
    ],
  ),
  waltz: hits([
    [1, 0.7, 0.6],
    [2, 0.7, 0.55],
  ]),
} as const satisfies Record<string, Figure>;

export type FigureName = keyof typeof figures;

/** The chords of a whole section, voiced around the midi note `centre`. */
export function chordNotes(rng: Rng, figure: FigureName, centre: number, section: SectionContext): Note[] {
  const play: Figure = figures[section.beatsPerBar === 3 && (figure === "backbeat" || figure === "loop") ? "waltz" : figure];
  let voicing: Voicing | undefined;
  return section.slots.flatMap((slot) => {
    voicing = voiceChord(slot, centre, voicing);
    const low = figure === "chug" || figure === "shuffle" ? [lowRoot(slot, centre), ...voicing.slice(1)] : voicing;
    return play(slot, low, section, rng);
  });
}

/** The root below `centre`, from which riffs on low strings start. */
function lowRoot({ chord }: Slot, centre: number): number {
  const root = nearest(chord.root, centre - 6);
  return mod12(root) === chord.root ? root : root + mod12(chord.root - root);
}
