// Drum patterns: one string per bar, one character per sixteenth note: X accent, x hit, o ghost note, . rest.
import type { Rng } from "../base/random.ts";
import { chance, pick } from "./dice.ts";
import type { DrumPiece, Hit, SectionContext } from "./score.ts";

type Lines = Readonly<Partial<Record<DrumPiece, readonly string[]>>>;

/** The patterns of a style by piece. One of `lines` is drawn for a section; the pattern of `time` is chosen by density, sparse to busy. */
export interface Groove {
  readonly lines: Lines;
  readonly time: Lines;
  /** For bars of three beats; without these the first twelve sixteenths are played. */
  readonly three?: Lines;
  /** How sections end. */
  readonly fill: "toms" | "snare" | "none";
}

export const grooves = {
  rock: {
    lines: {
      kick: ["X.......X.x.....", "X.....x.X.......", "X..x....X.x.....", "X.x.....X.....x."],
      snare: ["....X.......X...", "....X..o....X..o"],
    },
    time: { hat: ["X...x...X...x...", "X.x.X.x.X.x.X.x.", "X.x.X.x.X.x.X.xx"] },
    fill: "toms",
  },
  pop: {
    lines: { kick: ["X.......X.......", "X.....x.x.......", "X..x..x.....x..."], clap: ["....X.......X...", "....X.......X.x."] },
    time: {
      hat: ["..x...x...x...x.", "x.x.x.x.x.x.x.x.", "xoxoxoxoxoxoxoxo"],
      shaker: ["................", "................", "xoxoxoxoxoxoxoxo"],
    },
    fill: "snare",
  },
  metal: {
    lines: { snare: ["....X.......X...", "....X.......X...", "..X...X...X...X."] },
    time: {
      kick: ["X.x...x.X.x...x.", "X.xxX.xxX.xxX.xx", "xxxxxxxxxxxxxxxx"],
      crash: ["X.......X.......", "X...X...X...X...", "X...X...X...X..."],
    },
    fill: "toms",
  },
  disco: {
    lines: { kick: ["X...X...X...X..."], snare: ["....X.......X..."], openHat: ["..X...X...X...X."] },
    time: {
      hat: ["................", "x...x...x...x...", "xo.oxo.oxo.oxo.o"],
      tambourine: ["................", "................", "..x...x...x...x."],
    },
    fill: "snare",
  },
  hiphop: {
    lines: {
      kick: ["X.....X...x.....", "X..x......X..x..", "X.........X.....", "X......x..X....."],
      snare: ["....X.......X..."],
      clap: ["................", "....x.......x..."],
    },
    time: { hat: ["x...x...x...x...", "x.x.x.x.x.x.x.xx", "x.xxx.x.xxx.xxxx"] },
    fill: "none",
  },
  reggae: {
    lines: {
      kick: ["........X.......", "........X.......", "X.......X.......", "X...X...X...X..."],
      rim: ["........X.......", "........X......o", "....x...X...x..."],
    },
    time: {
      hat: ["x...x...x...x...", "X.x.X.x.X.x.X.x.", "X.xxX.x.X.xxX.x."],
      conga: ["................", "................", "...x..x....x.xx."],
    },
    fill: "toms",
  },
  country: {
    lines: { kick: ["X.......X.......", "X.......X.....x."] },
    time: {
      brush: ["....X.......X...", "x.x.X.x.x.x.X.x.", "xoxoXoxoxoxoXoxo"],
      shaker: ["................", "x...x...x...x...", "x.x.x.x.x.x.x.x."],
    },
    three: { kick: ["X..........."], brush: ["....x...x..."], shaker: ["x...x...x..."] },
    fill: "snare",
  },
  blues: {
    lines: { kick: ["X.......X.......", "X.....x.X......."], snare: ["....X.......X..."] },
    time: {
      hat: ["x...x...x...x...", "X.x.X.x.X.x.X.x.", "X.x.X.x.X.x.X.x."],
      tambourine: ["................", "................", "....x.......x..."],
    },
    fill: "toms",
  },
  jazz: {
    lines: {
      kick: ["o...o...o...o...", "................", "o.........o....."],
      rim: ["................", "......o.........", "..............o."],
    },
    time: {
      ride: ["X...X...X...X...", "X...X.x.X...X.x.", "X...X.x.X...X.x."],
      hat: ["....x.......x...", "....x.......x...", "....x.......x..."],
      snare: ["................", "......o.......o.", "..o...o...oo..o."],
    },
    three: { ride: ["X...X.x.X..."], hat: ["....x..."], kick: ["o..........."] },
    fill: "snare",
  },
} as const satisfies Record<string, Groove>;

export type GrooveName = keyof typeof grooves;

const strengths: Readonly<Record<string, number>> = { X: 0.95, x: 0.7, o: 0.35 };

/** The drum hits of a whole section: `crash` puts a cymbal on the first beat, and a fill may replace the last beat. */
export function drumHits(rng: Rng, name: GrooveName, section: SectionContext, options: { readonly crash: boolean }): Hit[] {
  const groove: Groove = grooves[name];
  const { bars, beatsPerBar, density } = section;
  const chosen: [DrumPiece, string][] = [];
  const inThree = beatsPerBar === 3 ? groove.three : undefined;
  for (const [piece, choices] of Object.entries(inThree ?? groove.lines) as [DrumPiece, readonly string[]][])
    chosen.push([piece, pick(rng, choices)]);
  if (inThree === undefined) {
    for (const [piece, choices] of Object.entries(groove.time) as [DrumPiece, readonly string[]][]) {
      chosen.push([piece, choices[Math.min(choices.length - 1, Math.floor(density * choices.length))]!]);
    }
  }
  const hits: Hit[] = [];
  const filled = groove.fill !== "none" && bars >= 4 && chance(rng, 0.8);
  for (let bar = 0; bar < bars; bar++) {
    const fillFrom = filled && bar === bars - 1 ? beatsPerBar - 1 : beatsPerBar;
    for (const [piece, line] of chosen) {
      for (let i = 0; i < beatsPerBar * 4 && i < line.length; i++) {
        const velocity = strengths[line[i]!];
        const isFilled = i / 4 >= fillFrom && piece !== "kick";
        if (velocity !== undefined && !isFilled) hits.push({ beat: bar * beatsPerBar + i / 4, piece, velocity });
      }
    }
  }
  if (options.crash && name !== "jazz") hits.push({ beat: 0, piece: "crash", velocity: 0.8 });
  if (filled) hits.push(...fill(rng, groove.fill, bars * beatsPerBar - 1));
  return hits;
}

function fill(rng: Rng, kind: Groove["fill"], from: number): Hit[] {
  const steps = pick(rng, ["xxxx", "x.xx", "xx.x", ".xxx"]);
  return [...steps].flatMap((mark, i) => {
    const piece: DrumPiece = kind === "toms" && i > 0 ? "tom" : "snare";
    return mark === "x" ? [{ beat: from + i / 4, piece, velocity: 0.6 + 0.1 * i }] : [];
  });
}
