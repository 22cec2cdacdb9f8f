// Instruments: thirty pitched sounds, each a synthesis method with ranges of settings. A patch is one draw from the ranges, decided by its
// number. Train, valid and test use disjoint numbers, so no patch of a test clip occurs in a train clip.
import { between, betweenLog, seededBy } from "./dice.ts";
import type { Split } from "./harmony.ts";
import { type Builder, bowed, envelope, fm, organ, piano, plucked, sing, struck, synthesiser, wind } from "./timbres.ts";
import type { Voice } from "./voice.ts";

const patches = { train: 10, valid: 2, test: 4 } as const;

/** The patch numbers, of instruments and drum kits, that a split may use. */
export function patchesOf(split: Split): readonly number[] {
  const from = split === "train" ? 0 : split === "valid" ? patches.train : patches.train + patches.valid;
  return Array.from({ length: patches[split] }, (_, i) => from + i);
}

const builders = {
  piano,
  "electric piano": (d) =>
    fm(
      d,
      [1],
      [0.15, 0.4],
      [0.02, 0.08],
      [0.4, 1.2],
      { attack: 0.003, decay: d.l(1, 2.5), sustain: 0.05, release: d.l(0.08, 0.2) },
      { tineRatio: 14, tine: 0.15 },
    ),
  organ,
  harpsichord: (d) => plucked(d, [0.9, 1], [1.5, 3], [0.05, 0.2]),
  vibraphone: (d) => struck(d, [1, 3.98, 9.9], [2.5, 5], 1.6, d.l(0.2, 0.5), { hertz: d.r(3.5, 7), depth: d.r(0.1, 0.5) }),
  marimba: (d) => struck(d, [1, 3.9, 9.2, 16.3], [0.35, 0.8], 1.3, 0.15),
  bells: (d) =>
    fm(
      d,
      [1.41, 2.76, 3.5],
      [0.3, 0.7],
      [0.05, 0.15],
      [0.5, 1.5],
      { attack: 0.002, decay: d.l(0.8, 2), sustain: 0.02, release: d.l(0.2, 0.6) },
      { tineRatio: 5.4, tine: 0.2 },
    ),
  "nylon guitar": (d) => plucked(d, [0.25, 0.5], [1.5, 3], [0.35, 0.55]),
  "steel guitar": (d) => plucked(d, [0.6, 0.9], [2.5, 5], [0.15, 0.35]),
  banjo: (d) => plucked(d, [0.8, 1], [0.5, 1.1], [0.1, 0.25]),
  "electric guitar": (d) => plucked(d, [0.4, 0.75], [3, 6], [0.2, 0.45], 0.5),
  "distorted guitar": (d) => plucked(d, [0.6, 0.95], [5, 9], [0.15, 0.3], 0.9),
  harp: (d) => plucked(d, [0.3, 0.6], [2.5, 4.5], [0.3, 0.5]),
  "electric bass": (d) => plucked(d, [0.3, 0.7], [4, 8], [0.4, 0.65], 0.4),
  "upright bass": (d) => plucked(d, [0.1, 0.3], [1.2, 2.5], [0.6, 0.8]),
  "synth bass": (d) =>
    synthesiser(d, {
      unison: 1,
      attack: [0.002, 0.008],
      sweep: [1, 3],
      sweepSeconds: [0.06, 0.3],
      release: [0.04, 0.1],
      sub: 0.6,
      cutoff: [120, 500],
    }),
  "sub bass": (d) =>
    fm(d, [1, 0.5], [0.02, 0.12], [0.01, 0.04], [0.1, 0.5], {
      attack: 0.004,
      decay: d.l(0.8, 2),
      sustain: d.r(0.3, 0.8),
      release: d.l(0.06, 0.15),
    }),
  strings: (d) => bowed(d, 3, [0.06, 0.2]),
  fiddle: (d) => bowed(d, 1, [0.03, 0.09]),
  cello: (d) => bowed(d, 1, [0.04, 0.12]),
  brass: (d) =>
    fm(d, [1], [0.35, 0.65], [0.15, 0.32], [0.2, 0.6], envelope(d, [0.03, 0.08], [0.06, 0.15]), { rise: d.r(0.04, 0.1), cents: [2, 8] }),
  trumpet: (d) =>
    fm(d, [1], [0.45, 0.8], [0.22, 0.42], [0.15, 0.5], envelope(d, [0.02, 0.05], [0.05, 0.1]), { rise: d.r(0.02, 0.06), cents: [5, 20] }),
  saxophone: (d) => wind(d, [5, 9], 0.2, [0.08, 0.25], [0.02, 0.06], [8, 25]),
  flute: (d) => wind(d, [12, 18], 0.1, [0.1, 0.4], [0.04, 0.1], [8, 24]),
  clarinet: (d) => wind(d, [7, 11], 0.9, [0.02, 0.12], [0.03, 0.07], [2, 10]),
  harmonica: (d) => wind(d, [3, 6], 0.4, [0.05, 0.2], [0.02, 0.06], [10, 30]),
  voice: sing,
  "synth lead": (d) =>
    synthesiser(d, {
      unison: d.r(0, 1) < 0.5 ? 1 : 2,
      attack: [0.003, 0.03],
      sweep: [0.5, 2.5],
      sweepSeconds: [0.1, 0.6],
      release: [0.06, 0.2],
      cutoff: [500, 2200],
    }),
  "synth pad": (d) =>
    synthesiser(d, { unison: 3, attack: [0.1, 0.4], sweep: [0, 1], sweepSeconds: [0.5, 2], release: [0.3, 0.8], cutoff: [400, 1500] }),
  "synth pluck": (d) =>
    synthesiser(d, {
      unison: 2,
      attack: [0.002, 0.006],
      sweep: [2, 4],
      sweepSeconds: [0.05, 0.2],
      release: [0.08, 0.25],
      sustain: [0.05, 0.3],
      cutoff: [200, 700],
    }),
} as const satisfies Record<string, Builder>;

export type InstrumentName = keyof typeof builders;
export const instrumentNames = Object.keys(builders) as InstrumentName[];

/** Voices already built: their tables are expensive to compute. */
const built = new Map<string, Voice>();

/** An instrument with the settings of a patch. */
export function voiceOf(instrument: InstrumentName, patch: number): Voice {
  const id = `${instrument}/${patch}`;
  const cached = built.get(id);
  if (cached) return cached;
  const rng = seededBy("patch", id);
  const build: Builder = builders[instrument];
  const voice = build({ rng, r: (low, high) => between(rng, low, high), l: (low, high) => betweenLog(rng, low, high) });
  built.set(id, voice);
  return voice;
}
