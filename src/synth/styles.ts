// Styles: the ten genres of GTZAN as data: tempo, feel, harmony, instruments and patterns. Styles share instruments; they differ mainly in
// rhythm and accompaniment.
import type { FigureName } from "./accompaniment.ts";
import type { BassLine } from "./bass-lines.ts";
import type { GrooveName } from "./drum-patterns.ts";
import type { Taste } from "./harmony.ts";
import type { InstrumentName } from "./instruments.ts";
import type { Mode, scales } from "./theory.ts";

export const styleNames = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"] as const;
export type StyleName = (typeof styleNames)[number];

/** A layer of chords. */
export interface Layer {
  readonly figures: readonly FigureName[];
  readonly instruments: readonly InstrumentName[];
  readonly centre: number;
  readonly decibels: number;
  /** Probability that a piece has this layer; default 1. */
  readonly probability?: number;
}

export interface Style {
  /** Beats a minute, lowest and highest. */
  readonly tempo: readonly [number, number];
  /** Fraction of pieces with three beats a bar. */
  readonly triple: number;
  /** Position of the second eighth note within a beat, lowest and highest; 0.5 is straight. */
  readonly swing: readonly [number, number];
  /** The same for sixteenth notes within an eighth. */
  readonly swing16: readonly [number, number];
  /** The preferred tonic, in fifths above C. */
  readonly keyCentre: number;
  readonly form: "song" | "standard" | "chorus" | "loop" | "rondo";
  readonly taste: Taste;
  readonly bass: { readonly lines: readonly BassLine[]; readonly instruments: readonly InstrumentName[] };
  readonly layers: readonly Layer[];
  readonly melody: {
    readonly instruments: readonly InstrumentName[];
    readonly scales: Readonly<Record<Mode, readonly (keyof typeof scales)[]>>;
    readonly centre: number;
  };
  readonly groove?: GrooveName;
  /** Relative deviation of the tempo over a piece. */
  readonly rubato: number;
  /** Where articulation and dynamics lean: 0 legato, soft … 1 staccato, loud. */
  readonly staccato: number;
  readonly force: number;
  /** How far velocities swell and fade over phrases. */
  readonly swell: number;
  /** Reverberation time in seconds, lowest and highest. */
  readonly room: readonly [number, number];
  /** Ratio of the compressor on the mix, lowest and highest. */
  readonly compression: readonly [number, number];
}

export const styles: Readonly<Record<StyleName, Style>> = {
  blues: {
    tempo: [66, 138],
    triple: 0,
    swing: [0.62, 0.68],
    swing16: [0.5, 0.5],
    keyCentre: 3.6,
    form: "chorus",
    taste: { weights: {}, colour: "dominants", lengths: [12], barsPerChord: 1, twelveBar: true },
    bass: { lines: ["walking", "boogie", "boogie"], instruments: ["electric bass", "upright bass"] },
    layers: [
      { figures: ["shuffle"], instruments: ["electric guitar", "piano", "distorted guitar"], centre: 50, decibels: -3 },
      {
        figures: ["charleston", "pad", "backbeat"],
        instruments: ["organ", "piano", "electric piano"],
        centre: 62,
        decibels: -5,
        probability: 0.7,
      },
    ],
    melody: {
      instruments: ["electric guitar", "harmonica", "saxophone", "distorted guitar", "voice"],
      scales: { major: ["majorBlues", "minorBlues"], minor: ["minorBlues"] },
      centre: 69,
    },
    groove: "blues",
    rubato: 0.004,
    staccato: 0.5,
    force: 0.5,
    swell: 0.08,
    room: [0.3, 1.2],
    compression: [1.5, 3],
  },
  classical: {
    tempo: [66, 152],
    triple: 0.4,
    swing: [0.5, 0.5],
    swing16: [0.5, 0.5],
    keyCentre: 10.8,
    form: "rondo",
    taste: { weights: { ii: 1.5, V: 1.4, bVII: 0.4 }, colour: "triads", lengths: [4, 8], barsPerChord: 1 },
    bass: { lines: ["held"], instruments: ["cello", "strings", "piano", "clarinet"] },
    layers: [
      {
        figures: ["alberti", "arpeggio", "alberti"],
        instruments: ["piano", "harpsichord", "harpsichord", "harp", "strings"],
        centre: 58,
        decibels: -4,
      },
      { figures: ["pad"], instruments: ["strings", "strings", "brass", "clarinet"], centre: 62, decibels: -5, probability: 0.9 },
    ],
    melody: {
      instruments: ["flute", "fiddle", "clarinet", "strings", "fiddle", "trumpet"],
      scales: { major: ["major"], minor: ["minor"] },
      centre: 74,
    },
    rubato: 0.03,
    staccato: 0.3,
    force: 0.2,
    swell: 0.35,
    room: [1.2, 2.8],
    compression: [1, 1.3],
  },
  country: {
    tempo: [76, 158],
    triple: 0.2,
    swing: [0.5, 0.56],
    swing16: [0.5, 0.52],
    keyCentre: 1.2,
    form: "song",
    taste: { weights: { vi: 0.5, iii: 0.2, IV: 1.6, V: 1.6, II: 0.5, bVI: 0.7 }, colour: "triads", lengths: [4, 8], barsPerChord: 1 },
    bass: { lines: ["twoBeat"], instruments: ["upright bass", "electric bass"] },
    layers: [
      { figures: ["backbeat"], instruments: ["steel guitar", "nylon guitar"], centre: 58, decibels: -2 },
      { figures: ["rolls"], instruments: ["banjo", "banjo", "steel guitar"], centre: 62, decibels: -4, probability: 0.9 },
    ],
    melody: {
      instruments: ["fiddle", "harmonica", "steel guitar", "voice", "electric guitar"],
      scales: { major: ["majorPentatonic", "major"], minor: ["minorPentatonic", "minor"] },
      centre: 71,
    },
    groove: "country",
    rubato: 0.005,
    staccato: 0.7,
    force: 0.5,
    swell: 0.05,
    room: [0.25, 0.8],
    compression: [1.5, 3],
  },
  disco: {
    tempo: [92, 138],
    triple: 0,
    swing: [0.5, 0.5],
    swing16: [0.5, 0.53],
    keyCentre: 8.4,
    form: "loop",
    taste: { weights: { vi: 1.3, ii: 1.5, iii: 1.3 }, colour: "triads", lengths: [4, 8], barsPerChord: 1 },
    bass: { lines: ["octaves"], instruments: ["electric bass", "synth bass"] },
    layers: [
      { figures: ["stabs"], instruments: ["electric guitar", "electric guitar", "electric piano", "brass"], centre: 63, decibels: -2 },
      { figures: ["pad"], instruments: ["strings", "strings", "synth pad"], centre: 67, decibels: -3 },
    ],
    melody: {
      instruments: ["voice", "strings", "synth lead", "brass", "saxophone"],
      scales: { major: ["major", "majorPentatonic"], minor: ["minor", "minorPentatonic"] },
      centre: 71,
    },
    groove: "disco",
    rubato: 0,
    staccato: 0.8,
    force: 0.7,
    swell: 0,
    room: [0.4, 1.5],
    compression: [2.5, 6],
  },
  hiphop: {
    tempo: [68, 112],
    triple: 0,
    swing: [0.5, 0.5],
    swing16: [0.54, 0.62],
    keyCentre: 7.2,
    form: "loop",
    taste: { weights: { bVI: 1.2, bII: 0.8, V: 0.7 }, colour: "sevenths", lengths: [2, 4], barsPerChord: 1 },
    bass: { lines: ["sub"], instruments: ["sub bass", "sub bass", "synth bass"] },
    layers: [
      { figures: ["loop"], instruments: ["electric piano", "electric piano", "vibraphone", "piano"], centre: 60, decibels: -3 },
      { figures: ["pad", "arpeggio"], instruments: ["synth pad", "strings", "bells"], centre: 67, decibels: -9, probability: 0.6 },
    ],
    melody: {
      instruments: ["synth lead", "bells", "flute", "voice", "marimba"],
      scales: { major: ["majorPentatonic"], minor: ["minorPentatonic"] },
      centre: 70,
    },
    groove: "hiphop",
    rubato: 0,
    staccato: 0.5,
    force: 0.5,
    swell: 0,
    room: [0.2, 0.7],
    compression: [2.5, 6],
  },
  jazz: {
    tempo: [76, 184],
    triple: 0.15,
    swing: [0.6, 0.67],
    swing16: [0.5, 0.5],
    keyCentre: 9.6,
    form: "standard",
    taste: {
      weights: { ii: 3, VI: 2, II: 1, bII: 0.8, "#iv°": 0.7, "ii°": 3, IV: 0.7, bVII: 0.5 },
      colour: "sevenths",
      lengths: [8],
      barsPerChord: 1,
    },
    bass: { lines: ["walking"], instruments: ["upright bass", "upright bass", "electric bass"] },
    layers: [
      {
        figures: ["charleston"],
        instruments: ["piano", "electric piano", "electric guitar", "organ", "vibraphone"],
        centre: 60,
        decibels: -5,
      },
    ],
    melody: {
      instruments: ["saxophone", "trumpet", "vibraphone", "clarinet", "piano", "flute", "electric guitar"],
      scales: { major: ["major", "majorBlues"], minor: ["minor", "minorBlues"] },
      centre: 70,
    },
    groove: "jazz",
    rubato: 0.005,
    staccato: 0.4,
    force: 0.2,
    swell: 0.14,
    room: [0.5, 1.6],
    compression: [1, 1.8],
  },
  metal: {
    tempo: [88, 184],
    triple: 0,
    swing: [0.5, 0.5],
    swing16: [0.5, 0.5],
    keyCentre: 4.8,
    form: "song",
    taste: { weights: { bII: 1.5, bVI: 1.5, bVII: 1.2, bIII: 1.2, ii: 0.3, V: 0.6 }, colour: "power", lengths: [2, 4], barsPerChord: 1 },
    bass: { lines: ["driving"], instruments: ["electric bass", "synth bass"] },
    layers: [
      { figures: ["chug"], instruments: ["distorted guitar"], centre: 46, decibels: 1 },
      { figures: ["pad"], instruments: ["distorted guitar", "organ", "strings"], centre: 58, decibels: -8, probability: 0.4 },
    ],
    melody: { instruments: ["distorted guitar", "synth lead", "voice"], scales: { major: ["major"], minor: ["minor"] }, centre: 72 },
    groove: "metal",
    rubato: 0.002,
    staccato: 0.6,
    force: 1,
    swell: 0,
    room: [0.25, 0.8],
    compression: [3, 8],
  },
  pop: {
    tempo: [76, 144],
    triple: 0,
    swing: [0.5, 0.5],
    swing16: [0.5, 0.54],
    keyCentre: 0,
    form: "song",
    taste: { weights: { vi: 1.5, IV: 1.3, iv: 0.5 }, colour: "triads", lengths: [4], barsPerChord: 1 },
    bass: { lines: ["syncopated", "eighths"], instruments: ["synth bass", "electric bass", "sub bass"] },
    layers: [
      { figures: ["pad", "loop"], instruments: ["synth pad", "synth pad", "piano", "electric piano"], centre: 62, decibels: -4 },
      { figures: ["arpeggio"], instruments: ["synth pluck", "synth pluck", "bells", "piano", "marimba"], centre: 69, decibels: -4 },
    ],
    melody: {
      instruments: ["voice", "synth lead", "flute", "bells", "synth pluck"],
      scales: { major: ["major", "majorPentatonic"], minor: ["minor", "minorPentatonic"] },
      centre: 72,
    },
    groove: "pop",
    rubato: 0,
    staccato: 0.2,
    force: 0.6,
    swell: 0,
    room: [0.8, 2.2],
    compression: [3, 7],
  },
  reggae: {
    tempo: [66, 122],
    triple: 0,
    swing: [0.5, 0.58],
    swing16: [0.5, 0.56],
    keyCentre: 6,
    form: "song",
    taste: { weights: { ii: 1.2, IV: 1.5, vi: 0.8, bVII: 0.8 }, colour: "triads", lengths: [2, 4], barsPerChord: 1 },
    bass: { lines: ["riddim"], instruments: ["electric bass", "sub bass"] },
    layers: [
      { figures: ["skank"], instruments: ["electric guitar", "electric guitar", "piano"], centre: 64, decibels: 1 },
      { figures: ["skank"], instruments: ["organ", "organ", "electric piano"], centre: 60, decibels: -3, probability: 0.9 },
    ],
    melody: {
      instruments: ["voice", "voice", "saxophone", "trumpet", "organ", "harmonica"],
      scales: { major: ["majorPentatonic", "major"], minor: ["minorPentatonic", "minor"] },
      centre: 69,
    },
    groove: "reggae",
    rubato: 0.004,
    staccato: 0.9,
    force: 0.4,
    swell: 0.05,
    room: [0.6, 2.4],
    compression: [1.5, 4],
  },
  rock: {
    tempo: [80, 168],
    triple: 0,
    swing: [0.5, 0.52],
    swing16: [0.5, 0.5],
    keyCentre: 2.4,
    form: "song",
    taste: { weights: { bVII: 1.3, IV: 1.4, iii: 0.6, bVI: 0.6, ii: 0.6 }, colour: "triads", lengths: [4], barsPerChord: 1 },
    bass: { lines: ["eighths"], instruments: ["electric bass"] },
    layers: [
      { figures: ["strummed"], instruments: ["distorted guitar", "electric guitar", "steel guitar"], centre: 55, decibels: -1 },
      { figures: ["pad", "strummed"], instruments: ["organ", "electric guitar", "piano"], centre: 62, decibels: -6, probability: 0.6 },
    ],
    melody: {
      instruments: ["voice", "distorted guitar", "electric guitar", "synth lead"],
      scales: { major: ["majorPentatonic", "major"], minor: ["minorPentatonic", "minorBlues"] },
      centre: 70,
    },
    groove: "rock",
    rubato: 0.004,
    staccato: 0.4,
    force: 0.9,
    swell: 0.05,
    room: [0.4, 1.4],
    compression: [2, 5],
  },
};
