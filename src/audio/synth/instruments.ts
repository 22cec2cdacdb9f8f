// Instruments: thirty pitched sounds, each a way of synthesis with a range of settings. A patch is one draw from the range, fixed by its
// number; the parts of the corpus own different numbers, so a test clip's piano is no piano of the train part.
import type { Rng } from "../../base/random.ts";
import { between, betweenLog, seededBy } from "./dice.ts";
import { exp2 } from "./exact-math.ts";
import { fmVoice } from "./fm.ts";
import type { Split } from "./harmony.ts";
import { modalVoice } from "./modal.ts";
import { pluckedVoice } from "./plucked.ts";
import { saw, square, subtractiveVoice, triangle } from "./subtractive.ts";
import type { Envelope, Voice } from "./voice.ts";
import { additiveVoice, formantVoice, noVibrato, type Vibrato, wave } from "./wavetable.ts";

const patches = { train: 10, valid: 2, test: 4 } as const;

/** The patch numbers, of instruments and drum kits, that a part of the corpus may use. */
export function patchesOf(split: Split): readonly number[] {
  const from = split === "train" ? 0 : split === "valid" ? patches.train : patches.train + patches.valid;
  return Array.from({ length: patches[split] }, (_, i) => from + i);
}

type Builder = (dice: Dice) => Voice;

/** Draws within ranges. */
interface Dice {
  readonly rng: Rng;
  /** Uniform. */
  readonly r: (low: number, high: number) => number;
  /** Uniform in octaves. */
  readonly l: (low: number, high: number) => number;
}

function envelope(
  { l, r }: Dice,
  attack: readonly [number, number],
  release: readonly [number, number],
  sustain: readonly [number, number] = [0.7, 0.95],
): Envelope {
  return { attack: l(...attack), decay: l(0.1, 0.5), sustain: r(...sustain), release: l(...release) };
}

function vibrato({ r }: Dice, cents: readonly [number, number]): Vibrato {
  return { hertz: r(4.6, 6.4), cents: r(...cents), delaySeconds: r(0.1, 0.4) };
}

/** Harmonics that fall by `slope` decibels an octave; `odd` weakens the even ones. */
function harmonics(count: number, slope: number, odd: number, dice: Dice): number[] {
  return Array.from({ length: count }, (_, i) => {
    const n = i + 1;
    const ragged = exp2(dice.r(-0.5, 0.5));
    return exp2((-slope / 6.0206) * Math.max(0, halvings(n))) * (n % 2 === 0 ? 1 - odd : 1) * ragged;
  });
}

/** log2 of small whole numbers, near enough for a slope. */
function halvings(n: number): number {
  let octave = 0;
  let left = n;
  while (left >= 2) {
    left /= 2;
    octave++;
  }
  return octave + (left - 1);
}

function organ(dice: Dice): Voice {
  const drawbars = [1, 2, 3, 4, 5, 6, 8].map((n) => [n, n === 1 ? 1 : dice.r(0, 1) < 0.35 ? 0 : dice.r(0.1, 0.8)] as const);
  const amplitudes = Array.from({ length: 8 }, (_, i) => drawbars.find(([n]) => n === i + 1)?.[1] ?? 0);
  const click = amplitudes.map((amplitude, i) => amplitude + 0.05 * i);
  const leslie = dice.r(0, 1) < 0.6 ? { hertz: dice.r(0.8, 6.8), cents: dice.r(3, 12), delaySeconds: 0 } : noVibrato;
  return additiveVoice({
    bright: wave(click),
    dull: wave(amplitudes),
    fadeSeconds: 0.03,
    envelope: { attack: 0.006, decay: 0.1, sustain: 0.95, release: dice.l(0.03, 0.08) },
    vibrato: leslie,
    breath: 0,
  });
}

function wind(
  dice: Dice,
  slope: readonly [number, number],
  odd: number,
  breath: readonly [number, number],
  attack: readonly [number, number],
  cents: readonly [number, number],
): Voice {
  const steep = dice.r(...slope);
  const count = 24;
  return additiveVoice({
    bright: wave(harmonics(count, steep * 0.7, odd * 0.8, dice)),
    dull: wave(harmonics(count, steep, odd, dice)),
    fadeSeconds: dice.l(0.08, 0.4),
    envelope: envelope(dice, attack, [0.05, 0.15]),
    vibrato: vibrato(dice, cents),
    breath: dice.r(...breath),
  });
}

function bowed(dice: Dice, unison: number, attack: readonly [number, number]): Voice {
  return subtractiveVoice({
    source: saw,
    unison,
    detuneCents: unison === 1 ? 0 : dice.r(14, 30),
    subGain: 0,
    openness: dice.r(1.5, 4),
    cutoffHertz: dice.l(700, 2000),
    sweepOctaves: dice.r(0.2, 0.8),
    sweepSeconds: dice.l(0.3, 1),
    resonance: dice.r(0, 0.35),
    envelope: envelope(dice, attack, [0.12, 0.35]),
    vibrato: vibrato(dice, unison === 1 ? [12, 28] : [4, 10]),
  });
}

function plucked(
  dice: Dice,
  brightness: readonly [number, number],
  ring: readonly [number, number],
  damping: readonly [number, number],
  muting = 0.2,
): Voice {
  return pluckedVoice({
    brightness: dice.r(...brightness),
    position: dice.r(0.08, 0.32),
    ring: dice.l(...ring),
    damping: dice.r(...damping),
    release: dice.l(0.05, 0.15),
    muting,
  });
}

function synthesiser(
  dice: Dice,
  how: {
    unison: number;
    attack: readonly [number, number];
    sweep: readonly [number, number];
    sweepSeconds: readonly [number, number];
    release: readonly [number, number];
    sustain?: readonly [number, number];
    sub?: number;
    cutoff: readonly [number, number];
  },
): Voice {
  const source = [saw, square, saw, triangle][Math.floor(dice.r(0, 4))]!;
  return subtractiveVoice({
    source,
    unison: how.unison,
    detuneCents: dice.r(8, 26),
    subGain: how.sub === undefined ? 0 : how.sub * dice.r(0.4, 1),
    openness: dice.r(1, 3),
    cutoffHertz: dice.l(...how.cutoff),
    sweepOctaves: dice.r(...how.sweep),
    sweepSeconds: dice.l(...how.sweepSeconds),
    resonance: dice.r(0.1, 0.8),
    envelope: envelope(dice, how.attack, how.release, how.sustain),
    vibrato: vibrato(dice, [0, 8]),
  });
}

function struck(
  dice: Dice,
  ratios: readonly number[],
  ring: readonly [number, number],
  fade: number,
  release: number,
  tremolo?: { hertz: number; depth: number },
): Voice {
  const base = dice.l(...ring);
  const partials = ratios.map((ratio, i) => ({
    ratio: ratio * (i === 0 ? 1 : dice.r(0.997, 1.003)),
    gain: exp2(-fade * i * dice.r(0.6, 1.3)),
    ring: base / (1 + i * dice.r(0.5, 1)),
  }));
  return modalVoice({ partials, stiffness: 0, hardness: dice.r(0.5, 1.5), release, ...(tremolo && { tremolo }) });
}

function piano(dice: Dice): Voice {
  const slope = dice.r(0.55, 1);
  const base = dice.l(2.5, 5);
  const hammer = dice.r(0.11, 0.14);
  const partials = Array.from({ length: 12 }, (_, i) => {
    const n = i + 1;
    const comb = 0.35 + 0.65 * Math.abs(triangleWave(n * hammer));
    return { ratio: n, gain: exp2(-slope * halvings(n) * 1.6) * comb, ring: base / (1 + 0.35 * i) };
  });
  return modalVoice({ partials, stiffness: dice.l(0.0001, 0.0006), hardness: dice.r(0.8, 2), release: dice.l(0.08, 0.2) });
}

function triangleWave(turns: number): number {
  const part = turns - Math.floor(turns);
  return part < 0.5 ? 4 * part - 1 : 3 - 4 * part;
}

function sing(dice: Dice): Voice {
  const vowels = [
    [
      [700, 110],
      [1150, 130],
      [2500, 200],
    ],
    [
      [450, 90],
      [850, 110],
      [2450, 200],
    ],
    [
      [320, 80],
      [2100, 180],
      [2900, 220],
    ],
    [
      [550, 100],
      [1700, 150],
      [2500, 200],
    ],
  ] as const;
  const vowel = vowels[Math.floor(dice.r(0, vowels.length))]!;
  const size = dice.r(0.9, 1.2); // of the singer
  const formants = vowel.map(([hertz, width], i) => [hertz * size, width * dice.r(0.8, 1.4), [1, 0.6, 0.25][i]!] as const);
  return formantVoice(formants, {
    fadeSeconds: 1,
    envelope: envelope(dice, [0.03, 0.09], [0.06, 0.16]),
    vibrato: vibrato(dice, [10, 35]),
    breath: dice.r(0.02, 0.15),
  });
}

function fm(
  dice: Dice,
  ratio: readonly number[],
  depth: readonly [number, number],
  rest: readonly [number, number],
  fall: readonly [number, number],
  env: Envelope,
  extra: { rise?: number; tineRatio?: number; tine?: number; cents?: readonly [number, number] } = {},
): Voice {
  return fmVoice({
    ratio: ratio[Math.floor(dice.r(0, ratio.length))]!,
    depth: dice.r(...depth),
    restDepth: dice.r(...rest),
    fallSeconds: dice.l(...fall),
    riseSeconds: extra.rise ?? 0,
    tineRatio: extra.tineRatio ?? 1,
    tineGain: extra.tine === undefined ? 0 : extra.tine * dice.r(0.3, 1),
    envelope: env,
    vibrato: vibrato(dice, extra.cents ?? [0, 0]),
  });
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

/** Voices already built: their tables are dear. */
const made = new Map<string, Voice>();

/** An instrument with the settings of a patch. */
export function voiceOf(instrument: InstrumentName, patch: number): Voice {
  const id = `${instrument}/${patch}`;
  const found = made.get(id);
  if (found) return found;
  const rng = seededBy("patch", id);
  const build: Builder = builders[instrument];
  const voice = build({ rng, r: (low, high) => between(rng, low, high), l: (low, high) => betweenLog(rng, low, high) });
  made.set(id, voice);
  return voice;
}
