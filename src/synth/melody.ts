// Melody: two-bar phrases in the form A A' B A'' over two motifs, with chord tones on strong beats and scale steps between them.
import type { Rng } from "../base/random.ts";
import { bell, chance, pick } from "./dice.ts";
import { clamp } from "./exact-math.ts";
import type { Note, SectionContext } from "./score.ts";
import { chordTones, mod12, nearest, scales } from "./theory.ts";

/** A note of a motif: start and length in beats, and the scale steps from the note before. */
interface Gesture {
  readonly beat: number;
  readonly beats: number;
  readonly step: number;
}

export interface MelodyOptions {
  readonly scale: keyof typeof scales;
  /** The midi note in the middle of the melody's range. */
  readonly centre: number;
}

/** The melody of a whole section, with motifs of its own. */
export function melodyNotes(rng: Rng, { scale, centre }: MelodyOptions, section: SectionContext): Note[] {
  const { beatsPerBar, bars, density, gate, key } = section;
  const motifs = { a: motif(rng, 2 * beatsPerBar, density), b: motif(rng, 2 * beatsPerBar, density) };
  const ladder = ladderOf(scales[scale], key.tonic, centre);
  const notes: Note[] = [];
  let rung = Math.floor(ladder.length / 2) + pick(rng, [-1, 0, 1]);
  for (let phrase = 0; phrase * 2 < bars; phrase++) {
    const start = phrase * 2 * beatsPerBar;
    const gestures = phrase % 4 === 2 ? motifs.b : motifs.a;
    const closing = (phrase + 1) * 2 >= bars;
    gestures.forEach((gesture, i) => {
      const beat = start + gesture.beat;
      if (beat >= bars * beatsPerBar) return;
      const varied = phrase % 4 !== 0 && chance(rng, 0.15) ? pick(rng, [-1, 1]) : 0;
      const pull = rung > ladder.length - 3 ? -2 : rung < 2 ? 2 : 0;
      rung = clamp(rung + gesture.step + varied + pull, 0, ladder.length - 1);
      const last = i === gestures.length - 1;
      const strong = gesture.beat % 1 === 0 && (gesture.beat % 2 === 0 || gesture.beats >= 1);
      let midi = ladder[rung]!;
      const chord = section.slots.findLast((slot) => slot.beat <= beat + 1e-6)!.chord;
      if (strong || last) midi = closest(last && closing ? [key.tonic] : chordTones(chord), midi);
      else if (chordTones(chord).includes(mod12(midi + 1)) && mod12(midi - key.tonic) === 10 && chord.quality !== "7") midi += 1; // leading note
      if (strong) rung = rungOf(ladder, midi);
      const velocity = clamp(0.7 + (strong ? 0.12 : 0) + bell(rng, 0.05), 0.3, 1);
      notes.push({ beat, beats: gesture.beats * (last ? Math.max(gate, 0.8) : gate), midi, velocity });
    });
  }
  return notes;
}

/** Draws a motif: the rhythm by splitting the longest notes repeatedly, mostly small steps, often a rest at the end. */
function motif(rng: Rng, beats: number, density: number): Gesture[] {
  const breath = chance(rng, 0.7) ? pick(rng, [0.5, 1, 1.5]) : 0;
  const wanted = Math.round((beats / 4) * (1.6 + 5.5 * density * (0.7 + 0.6 * rng())));
  const shortest = density > 0.55 ? 0.25 : 0.5;
  let lengths = [beats - breath];
  while (lengths.length < wanted) {
    const longest = Math.max(...lengths);
    if (longest < 2 * shortest) break;
    const candidates = lengths
      .map((length, i) => [length, i] as const)
      .filter(([length]) => length >= Math.max(longest * 0.6, 2 * shortest));
    const [length, at] = pick(rng, candidates);
    const half = Math.round(length / 2 / shortest) * shortest;
    const uneven = length >= 4 * shortest && chance(rng, 0.35);
    const first = clamp(uneven ? half + shortest * pick(rng, [-1, 1]) : half, shortest, length - shortest);
    lengths = [...lengths.slice(0, at), first, length - first, ...lengths.slice(at + 1)];
  }
  let beat = chance(rng, 0.25) ? Math.min(0.5, breath) : 0;
  return lengths.map((length) => {
    const gesture = { beat, beats: length, step: pick(rng, [-3, -2, -1, -1, -1, 0, 1, 1, 1, 2, 2, 4]) };
    beat += length;
    return gesture;
  });
}

/** The scale's midi notes within ten semitones of the centre. */
function ladderOf(scale: readonly number[], tonic: number, centre: number): number[] {
  const ladder: number[] = [];
  for (let midi = centre - 10; midi <= centre + 10; midi++) if (scale.includes(mod12(midi - tonic))) ladder.push(midi);
  return ladder;
}

function rungOf(ladder: readonly number[], midi: number): number {
  let best = 0;
  for (let i = 1; i < ladder.length; i++) if (Math.abs(ladder[i]! - midi) < Math.abs(ladder[best]! - midi)) best = i;
  return best;
}

function closest(pitchClasses: readonly number[], midi: number): number {
  const candidates = pitchClasses.map((pitchClass) => nearest(pitchClass, midi));
  return candidates.reduce((best, candidate) => (Math.abs(candidate - midi) < Math.abs(best - midi) ? candidate : best));
}
