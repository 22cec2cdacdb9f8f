// Harmony: progressions drawn as random walks over degrees (tonic, subdominant, dominant), weighted by the style. A progression itself decides
// which split may use it, so that no progression of a test song occurs in a train song, in any rotation or key.
import { ConfigError } from "../base/errors.ts";
import type { Rng } from "../base/random.ts";
import { chance, hashText, weighted } from "./dice.ts";
import type { Chord, Key, Mode, Quality } from "./theory.ts";
import { mod12 } from "./theory.ts";

export const splits = ["train", "valid", "test"] as const;
export type Split = (typeof splits)[number];

/** Degrees by their Roman numerals: semitones above the tonic, and the triad. */
const degrees = {
  I: [0, "maj"],
  bII: [1, "maj"],
  ii: [2, "min"],
  "ii°": [2, "dim"],
  II: [2, "maj"],
  III: [4, "maj"],
  bIII: [3, "maj"],
  iii: [4, "min"],
  IV: [5, "maj"],
  iv: [5, "min"],
  "#iv°": [6, "dim"],
  V: [7, "maj"],
  v: [7, "min"],
  bVI: [8, "maj"],
  vi: [9, "min"],
  VI: [9, "maj"],
  bVII: [10, "maj"],
  i: [0, "min"],
} as const satisfies Record<string, readonly [number, Quality]>;

export type Degree = keyof typeof degrees;

type Moves = Readonly<Partial<Record<Degree, Readonly<Partial<Record<Degree, number>>>>>>;

/** Weights of the moves from one degree to the next. Chromatic degrees occur only where a style gives them a weight. */
const moves: Record<Mode, Moves> = {
  major: {
    I: { IV: 3, V: 3, vi: 3, ii: 2, iii: 1, I: 0.6, bVII: 1, II: 1, VI: 1, bVI: 0.6 },
    ii: { V: 5, IV: 1, vi: 0.5, bII: 1 },
    iii: { vi: 3, IV: 3, ii: 1 },
    IV: { V: 3, I: 3, ii: 1, vi: 0.6, IV: 0.5, bVII: 1, iv: 1, "#iv°": 0.6 },
    V: { I: 4, vi: 2, IV: 1.2 },
    vi: { IV: 3, ii: 2.5, V: 2, iii: 0.6, II: 1 },
    II: { V: 4, IV: 1 },
    VI: { ii: 4 },
    bVII: { IV: 3, I: 2, bVI: 1 },
    bVI: { bVII: 3, V: 1 },
    bII: { I: 4 },
    iv: { I: 3, V: 1 },
    "#iv°": { V: 2, I: 2 },
  },
  minor: {
    i: { iv: 3, bVI: 3, bVII: 3, V: 2, v: 1, bIII: 1.5, i: 0.8, bII: 1, "ii°": 1 },
    iv: { V: 3, i: 2, bVII: 2, v: 1, bII: 0.6 },
    bVI: { bVII: 3, iv: 2, V: 2, bIII: 1, "ii°": 0.6 },
    bVII: { i: 3, bVI: 2, bIII: 1.5, iv: 0.6 },
    bIII: { bVI: 3, bVII: 2, iv: 2 },
    V: { i: 5, bVI: 1.5 },
    v: { i: 3, bVI: 2, iv: 1 },
    "ii°": { V: 5 },
    bII: { i: 3, V: 2 },
    IV: { i: 3, bVII: 1 },
  },
};

const chromatic: ReadonlySet<Degree> = new Set<Degree>(["bII", "II", "III", "VI", "bVI", "bVII", "iv", "#iv°"]);
const chromaticInMinor: ReadonlySet<Degree> = new Set<Degree>(["bII", "IV"]);

/** The harmony of a style. */
export interface Taste {
  /** Factors on the moves to a degree; the default is 1, and 0 for chromatic degrees. */
  readonly weights: Readonly<Partial<Record<Degree, number>>>;
  readonly colour: "triads" | "sevenths" | "dominants" | "power";
  /** Possible numbers of chords of a progression, which is repeated to fill a section. */
  readonly lengths: readonly number[];
  /** Bars a chord lasts. */
  readonly barsPerChord: number;
  readonly twelveBar?: boolean;
}

/** The split that may use a cycle of chords, given by their roots: five eighths of all cycles are train, one valid, two test. */
export function ownerOf(roots: readonly number[]): Split {
  const slot = hashText(canonicalCycle(roots).join(" ")) % 8;
  return slot < 5 ? "train" : slot === 5 ? "valid" : "test";
}

/** One form for all progressions that sound alike when they are repeated: the pitch classes of the roots relative to each other, with repeated
 *  chords merged, the shortest period only, in the rotation that sorts first. Chord qualities and keys do not count. */
export function canonicalCycle(roots: readonly number[]): number[] {
  const merged = roots.filter((root, i) => root !== roots[(i + roots.length - 1) % roots.length]);
  if (merged.length === 0) return [0];
  const steps = merged.map((root, i) => mod12(merged[(i + 1) % merged.length]! - root));
  const rotations = steps.map((_, i) => [...steps.slice(i), ...steps.slice(0, i)]);
  const period = 1 + rotations.slice(1).findIndex((rotation) => rotation.every((step, i) => step === steps[i]));
  const cycles = rotations.map((rotation) => rotation.slice(0, period === 0 ? rotation.length : period));
  return cycles.reduce((best, cycle) => (compare(cycle, best) < 0 ? cycle : best));
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

/** Semitones of degrees above the tonic. */
export function rootsOf(progression: readonly Degree[]): number[] {
  return progression.map((degree) => degrees[degree][0]);
}

export interface ProgressionOptions {
  readonly mode: Mode;
  readonly split: Split;
  /** Chords. */
  readonly length: number;
  /** "closed" ends on the tonic, "open" on a dominant or subdominant. */
  readonly ending: "open" | "closed";
  /** Begins on another degree than the tonic, as bridges do. */
  readonly away?: boolean;
}

/** Draws a progression that belongs to `split`. Where the style's own moves allow none, the ending is left open, then rare chromatic degrees are
 *  admitted. @throws ConfigError when there is none even so. */
export function progression(rng: Rng, taste: Taste, options: ProgressionOptions): Degree[] {
  const twelve = taste.twelveBar && options.length === 12;
  for (let attempt = 0; attempt < 2000; attempt++) {
    const freedom = { anyEnding: attempt >= 400, chromaticWeight: attempt >= 800 ? 0.3 : 0 };
    const drawn = twelve ? twelveBars(rng, options.mode) : walk(rng, taste, { ...options, ...freedom });
    if (drawn !== undefined && ownerOf(rootsOf(drawn)) === options.split) return drawn;
  }
  throw new ConfigError(`No progression of ${options.length} chords belongs to ${options.split}: widen the style's taste in harmony.`);
}

interface WalkOptions extends ProgressionOptions {
  readonly anyEnding: boolean;
  /** Weight of moves to chromatic degrees that the style does not name. */
  readonly chromaticWeight: number;
}

function walk(rng: Rng, { weights }: Taste, { mode, length, ending, away, anyEnding, chromaticWeight }: WalkOptions): Degree[] | undefined {
  const home: Degree = mode === "major" ? "I" : "i";
  const starts: readonly Degree[] = mode === "major" ? ["IV", "vi", "ii"] : ["iv", "bVI", "bIII"];
  const outside = mode === "major" ? chromatic : chromaticInMinor;
  let at: Degree = away ? starts[Math.floor(rng() * starts.length)]! : home;
  const chords: Degree[] = [at];
  while (chords.length < length) {
    const choices: Partial<Record<Degree, number>> = {};
    for (const [to, weight] of Object.entries(moves[mode][at] ?? { [home]: 1 }) as [Degree, number][]) {
      const taste = weights[to] ?? (outside.has(to) ? chromaticWeight : 1);
      if (taste > 0) choices[to] = weight * taste;
    }
    at = Object.keys(choices).length > 0 ? weighted(rng, choices) : home;
    chords.push(at);
  }
  if (anyEnding) return chords;
  const last = chords.at(-1)!;
  const closes = last === home;
  const opens = ["V", "v", "IV", "iv", "bVII", "ii", "bII"].includes(last);
  return (ending === "closed" ? closes : opens) ? chords : undefined;
}

/** The twelve-bar blues form with its common variants. */
function twelveBars(rng: Rng, mode: Mode): Degree[] {
  const one: Degree = mode === "major" ? "I" : "i";
  const four: Degree = mode === "major" ? "IV" : "iv";
  const bar2 = chance(rng, 0.5) ? four : one;
  const bar6: Degree = chance(rng, 0.25) ? "#iv°" : four;
  const bar8: Degree = mode === "major" && chance(rng, 0.3) ? "VI" : one;
  const turns: Degree[][] =
    mode === "major"
      ? [
          ["V", "IV"],
          ["ii", "V"],
          ["V", "V"],
        ]
      : [
          ["V", "iv"],
          ["bVI", "V"],
          ["v", "iv"],
        ];
  const ends: Degree[][] = [
    [one, "V"],
    [one, one],
    [four, one],
    ["V", "V"],
  ];
  const turn = turns[Math.floor(rng() * turns.length)]!;
  const end = ends[Math.floor(rng() * ends.length)]!;
  return [one, bar2, one, one, four, bar6, one, bar8, ...turn, ...end];
}

/** The chord of a degree in a key. `tension`, 0 … 1, is the probability of a richer, rougher chord. */
export function realise(rng: Rng, degree: Degree, key: Key, colour: Taste["colour"], tension: number): Chord {
  const [semitones, triad] = degrees[degree];
  return { root: mod12(key.tonic + semitones), quality: coloured(rng, degree, triad, colour, tension) };
}

function coloured(rng: Rng, degree: Degree, triad: "maj" | "min" | "dim", colour: Taste["colour"], tension: number): Quality {
  const rich = chance(rng, tension);
  if (colour === "power") return triad === "dim" || rich ? triad : "5";
  if (triad === "dim") return colour === "sevenths" || rich ? (degree === "#iv°" ? "dim7" : "hdim7") : "dim";
  const dominant = ["V", "II", "III", "VI", "bII"].includes(degree);
  if (colour === "dominants") return triad === "min" ? "min7" : rich ? "9" : "7";
  if (colour === "sevenths") {
    if (triad === "min") return rich ? "min9" : "min7";
    if (dominant) return rich ? "9" : "7";
    return rich ? "maj9" : chance(rng, 0.5) ? "maj7" : "maj6";
  }
  if (!rich) return triad;
  if (triad === "min") return "min7";
  if (dominant) return chance(rng, 0.7) ? "7" : "sus4";
  return chance(rng, 0.4) ? "sus4" : chance(rng, 0.5) ? "maj7" : "maj6";
}
