// Styles: ten ways of making music, as data: tempo, feel, harmony, who plays and what. Named as GTZAN's genres are, so that its readers
// read ours. Instruments are shared between styles; what tells a style is how it moves.
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
  /** How likely a piece has it at all; default 1. */
  readonly probability?: number;
}

export interface Style {
  /** Beats a minute, lowest and highest. */
  readonly tempo: readonly [number, number];
  /** Share of pieces in three beats a bar. */
  readonly triple: number;
  /** Where the second eighth falls, lowest and highest. */
  readonly swing: readonly [number, number];
  readonly swing16: readonly [number, number];
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
  /** Share by which the tempo breathes. */
  readonly rubato: number;
}

export const styles: Readonly<Record<StyleName, Style>> = {
  blues: {
    tempo: [66, 138],
    triple: 0,
    swing: [0.62, 0.68],
    swing16: [0.5, 0.5],
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
  },
  classical: {
    tempo: [66, 152],
    triple: 0.4,
    swing: [0.5, 0.5],
    swing16: [0.5, 0.5],
    form: "rondo",
    taste: { weights: { ii: 1.5, V: 1.4, bVII: 0.4 }, colour: "triads", lengths: [4, 8], barsPerChord: 1 },
    bass: { lines: ["held"], instruments: ["cello", "strings", "piano", "clarinet"] },
    layers: [
      { figures: ["alberti", "arpeggio", "alberti"], instruments: ["piano", "harpsichord", "harp", "strings"], centre: 58, decibels: -4 },
      { figures: ["pad"], instruments: ["strings", "brass", "clarinet"], centre: 62, decibels: -7, probability: 0.7 },
    ],
    melody: {
      instruments: ["flute", "fiddle", "clarinet", "piano", "trumpet", "strings"],
      scales: { major: ["major"], minor: ["minor"] },
      centre: 74,
    },
    rubato: 0.03,
  },
  country: {
    tempo: [76, 158],
    triple: 0.2,
    swing: [0.5, 0.56],
    swing16: [0.5, 0.52],
    form: "song",
    taste: { weights: { vi: 0.5, iii: 0.2, IV: 1.6, V: 1.6, II: 0.5, bVI: 0.7 }, colour: "triads", lengths: [4, 8], barsPerChord: 1 },
    bass: { lines: ["twoBeat"], instruments: ["upright bass", "electric bass"] },
    layers: [
      { figures: ["backbeat"], instruments: ["steel guitar", "nylon guitar"], centre: 58, decibels: -2 },
      { figures: ["rolls"], instruments: ["banjo", "steel guitar"], centre: 62, decibels: -5, probability: 0.8 },
    ],
    melody: {
      instruments: ["fiddle", "harmonica", "steel guitar", "voice", "electric guitar"],
      scales: { major: ["majorPentatonic", "major"], minor: ["minorPentatonic", "minor"] },
      centre: 71,
    },
    groove: "country",
    rubato: 0.005,
  },
  disco: {
    tempo: [92, 138],
    triple: 0,
    swing: [0.5, 0.5],
    swing16: [0.5, 0.53],
    form: "loop",
    taste: { weights: { vi: 1.3, ii: 1.5, iii: 1.3 }, colour: "triads", lengths: [4, 8], barsPerChord: 1 },
    bass: { lines: ["octaves"], instruments: ["electric bass", "synth bass"] },
    layers: [
      { figures: ["stabs"], instruments: ["electric guitar", "electric piano", "brass", "piano"], centre: 63, decibels: -3 },
      { figures: ["pad"], instruments: ["strings", "synth pad"], centre: 67, decibels: -4 },
    ],
    melody: {
      instruments: ["voice", "strings", "synth lead", "brass", "saxophone"],
      scales: { major: ["major", "majorPentatonic"], minor: ["minor", "minorPentatonic"] },
      centre: 71,
    },
    groove: "disco",
    rubato: 0,
  },
  hiphop: {
    tempo: [68, 112],
    triple: 0,
    swing: [0.5, 0.5],
    swing16: [0.54, 0.62],
    form: "loop",
    taste: { weights: { bVI: 1.2, bII: 0.8, V: 0.7 }, colour: "sevenths", lengths: [2, 4], barsPerChord: 1 },
    bass: { lines: ["sub"], instruments: ["sub bass", "synth bass"] },
    layers: [
      { figures: ["loop"], instruments: ["electric piano", "piano", "vibraphone", "nylon guitar", "organ"], centre: 60, decibels: -3 },
      { figures: ["pad", "arpeggio"], instruments: ["synth pad", "strings", "bells"], centre: 67, decibels: -9, probability: 0.6 },
    ],
    melody: {
      instruments: ["synth lead", "bells", "flute", "voice", "marimba"],
      scales: { major: ["majorPentatonic"], minor: ["minorPentatonic"] },
      centre: 70,
    },
    groove: "hiphop",
    rubato: 0,
  },
  jazz: {
    tempo: [76, 184],
    triple: 0.15,
    swing: [0.6, 0.67],
    swing16: [0.5, 0.5],
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
  },
  metal: {
    tempo: [88, 184],
    triple: 0,
    swing: [0.5, 0.5],
    swing16: [0.5, 0.5],
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
  },
  pop: {
    tempo: [76, 144],
    triple: 0,
    swing: [0.5, 0.5],
    swing16: [0.5, 0.54],
    form: "song",
    taste: { weights: { vi: 1.5, IV: 1.3, iv: 0.5 }, colour: "triads", lengths: [4], barsPerChord: 1 },
    bass: { lines: ["syncopated", "eighths"], instruments: ["synth bass", "electric bass", "sub bass"] },
    layers: [
      { figures: ["pad", "loop"], instruments: ["synth pad", "piano", "strings", "electric piano"], centre: 62, decibels: -4 },
      { figures: ["arpeggio"], instruments: ["synth pluck", "bells", "nylon guitar", "piano", "marimba"], centre: 69, decibels: -6 },
    ],
    melody: {
      instruments: ["voice", "synth lead", "flute", "bells", "synth pluck"],
      scales: { major: ["major", "majorPentatonic"], minor: ["minor", "minorPentatonic"] },
      centre: 72,
    },
    groove: "pop",
    rubato: 0,
  },
  reggae: {
    tempo: [66, 122],
    triple: 0,
    swing: [0.5, 0.58],
    swing16: [0.5, 0.56],
    form: "song",
    taste: { weights: { ii: 1.2, IV: 1.5, vi: 0.8, bVII: 0.8 }, colour: "triads", lengths: [2, 4], barsPerChord: 1 },
    bass: { lines: ["riddim"], instruments: ["electric bass", "sub bass"] },
    layers: [
      { figures: ["skank"], instruments: ["electric guitar", "piano", "steel guitar"], centre: 64, decibels: -1 },
      { figures: ["skank"], instruments: ["organ", "electric piano"], centre: 60, decibels: -5, probability: 0.7 },
    ],
    melody: {
      instruments: ["voice", "saxophone", "trumpet", "organ", "harmonica"],
      scales: { major: ["majorPentatonic", "major"], minor: ["minorPentatonic", "minor"] },
      centre: 69,
    },
    groove: "reggae",
    rubato: 0.004,
  },
  rock: {
    tempo: [80, 168],
    triple: 0,
    swing: [0.5, 0.52],
    swing16: [0.5, 0.5],
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
  },
};
