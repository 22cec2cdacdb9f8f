// Music theory: keys, scales and chords by their names.

export type Mode = "major" | "minor";

export interface Key {
  /** Pitch class, 0 = C. */
  readonly tonic: number;
  readonly mode: Mode;
}

/** Spelled as in GiantSteps' labels: flats only. */
export const pitchNames = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"] as const;

export function keyName({ tonic, mode }: Key): string {
  return `${pitchNames[tonic]} ${mode}`;
}

/** Semitones above the tonic. */
export const scales = {
  major: [0, 2, 4, 5, 7, 9, 11],
  minor: [0, 2, 3, 5, 7, 8, 10],
  majorPentatonic: [0, 2, 4, 7, 9],
  minorPentatonic: [0, 3, 5, 7, 10],
  majorBlues: [0, 2, 3, 4, 7, 9],
  minorBlues: [0, 3, 5, 6, 7, 10],
} as const;

/** Chord qualities in Harte's shorthand: semitones above the root, and roughness, 0 … 1, which the mood rule uses. */
export const qualities = {
  "5": { tones: [0, 7], roughness: 0 },
  maj: { tones: [0, 4, 7], roughness: 0 },
  min: { tones: [0, 3, 7], roughness: 0 },
  maj6: { tones: [0, 4, 7, 9], roughness: 0.3 },
  sus4: { tones: [0, 5, 7], roughness: 0.4 },
  min7: { tones: [0, 3, 7, 10], roughness: 0.4 },
  maj7: { tones: [0, 4, 7, 11], roughness: 0.5 },
  "7": { tones: [0, 4, 7, 10], roughness: 0.5 },
  min9: { tones: [0, 3, 7, 10, 14], roughness: 0.6 },
  maj9: { tones: [0, 4, 7, 11, 14], roughness: 0.6 },
  "9": { tones: [0, 4, 7, 10, 14], roughness: 0.7 },
  dim: { tones: [0, 3, 6], roughness: 0.9 },
  hdim7: { tones: [0, 3, 6, 10], roughness: 0.9 },
  dim7: { tones: [0, 3, 6, 9], roughness: 1 },
} as const;

export type Quality = keyof typeof qualities;

export interface Chord {
  /** Pitch class of the root, 0 = C. */
  readonly root: number;
  readonly quality: Quality;
}

/** Harte's spelling: Db:min7. */
export function chordName({ root, quality }: Chord): string {
  return `${pitchNames[root]}:${quality}`;
}

export function mod12(pitch: number): number {
  return ((pitch % 12) + 12) % 12;
}

/** Pitch classes of a chord. */
export function chordTones({ root, quality }: Chord): number[] {
  return qualities[quality].tones.map((tone) => mod12(root + tone));
}

/** The midi note of the given pitch class nearest to `midi`. */
export function nearest(pitchClass: number, midi: number): number {
  const up = mod12(pitchClass - Math.round(midi));
  return Math.round(midi) + (up > 6 ? up - 12 : up);
}
