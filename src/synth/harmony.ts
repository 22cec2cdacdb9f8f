// Harmony: progressions by function (tonic, subdominant, dominant), walked at random within a style's taste. Which part of the corpus may
// use a progression is decided by the progression itself, so that no train clip shares one with a test clip.
import { ConfigError } from "../base/errors.ts";
import type { Rng } from "../base/random.ts";
import { chance, hashText, weighted } from "./dice.ts";
import type { Chord, Key, Mode, Quality } from "./theory.ts";
import { mod12 } from "./theory.ts";

/** The parts of the corpus. */
export const splits = ["train", "valid", "test"] as const;
export type Split = (typeof splits)[number];

/** Degrees by their Roman numerals: semitones above the tonic and the triad. */
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

/** Where a chord goes, by how often; chromatic degrees are entered only where a style's taste says so. */
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

/** How a style likes its harmony. */
export interface Taste {
  /** Factors on the moves to a degree; what is absent counts 1, or 0 for chromatic degrees. */
  readonly weights: Readonly<Partial<Record<Degree, number>>>;
  readonly colour: "triads" | "sevenths" | "dominants" | "power";
  /** Chords in a round of the progression, by section length in bars they repeat to fill it. */
  readonly lengths: readonly number[];
  /** Bars a chord lasts. */
  readonly barsPerChord: number;
  readonly twelveBar?: boolean;
}

/** The part of the corpus that owns a progression: five eighths train, one valid, two test. */
export function ownerOf(progression: readonly Degree[]): Split {
  const lot = hashText(progression.join(" ")) % 8;
  return lot < 5 ? "train" : lot === 5 ? "valid" : "test";
}

export interface ProgressionOptions {
  readonly mode: Mode;
  readonly split: Split;
  /** Chords. */
  readonly length: number;
  /** Ends on the dominant or elsewhere that wants to go on, or closes on the tonic. */
  readonly ending: "open" | "closed";
  /** Begins away from the tonic, as bridges do. */
  readonly away?: boolean;
}

/** A progression that belongs to `split`. @throws ConfigError when the taste is too narrow to leave that part any. */
export function progression(rng: Rng, taste: Taste, options: ProgressionOptions): Degree[] {
  for (let attempt = 0; attempt < 2000; attempt++) {
    const walked = taste.twelveBar && options.length === 12 ? twelveBars(rng, options.mode) : walk(rng, taste, options);
    if (walked !== undefined && ownerOf(walked) === options.split) return walked;
  }
  throw new ConfigError(`No progression of ${options.length} chords belongs to ${options.split}: widen the style's taste in harmony.`);
}

function walk(rng: Rng, { weights }: Taste, { mode, length, ending, away }: ProgressionOptions): Degree[] | undefined {
  const home: Degree = mode === "major" ? "I" : "i";
  const starts: readonly Degree[] = mode === "major" ? ["IV", "vi", "ii"] : ["iv", "bVI", "bIII"];
  const outside = mode === "major" ? chromatic : chromaticInMinor;
  let at: Degree = away ? starts[Math.floor(rng() * starts.length)]! : home;
  const chords: Degree[] = [at];
  while (chords.length < length) {
    const roots: Partial<Record<Degree, number>> = {};
    for (const [to, weight] of Object.entries(moves[mode][at] ?? { [home]: 1 }) as [Degree, number][]) {
      const taste = weights[to] ?? (outside.has(to) ? 0 : 1);
      if (taste > 0) roots[to] = weight * taste;
    }
    at = Object.keys(roots).length > 0 ? weighted(rng, roots) : home;
    chords.push(at);
  }
  const last = chords.at(-1)!;
  const closes = last === home;
  const opens = ["V", "v", "IV", "iv", "bVII", "ii", "bII"].includes(last);
  return (ending === "closed" ? closes : opens) ? chords : undefined;
}

/** The blues form, with the turns players give it. */
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

/** The sounding chord of a degree. `tension`, 0 … 1, is how readily plain chords are enriched. */
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
