// Timbres: families of instruments, each a synthesis method whose settings are drawn from ranges.
import type { Rng } from "../base/random.ts";
import { exp2 } from "./exact-math.ts";
import { fmVoice } from "./fm.ts";
import { modalVoice } from "./modal.ts";
import { pluckedVoice } from "./plucked.ts";
import { saw, square, subtractiveVoice, triangle } from "./subtractive.ts";
import type { Envelope, Voice } from "./voice.ts";
import { additiveVoice, formantVoice, noVibrato, type Vibrato, wave } from "./wavetable.ts";

export type Builder = (dice: Dice) => Voice;

/** Draws from ranges: `r` uniform, `l` log-uniform. */
export interface Dice {
  readonly rng: Rng;
  readonly r: (low: number, high: number) => number;
  readonly l: (low: number, high: number) => number;
}

export function envelope(
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

/** Amplitudes of harmonics that fall by `slope` dB per octave; `odd` (0 … 1) attenuates the even ones. */
function harmonics(count: number, slope: number, odd: number, dice: Dice): number[] {
  return Array.from({ length: count }, (_, i) => {
    const n = i + 1;
    const ragged = exp2(dice.r(-0.5, 0.5));
    return exp2((-slope / 6.0206) * Math.max(0, halvings(n))) * (n % 2 === 0 ? 1 - odd : 1) * ragged;
  });
}

/** log2 of a small whole number, by linear interpolation between powers of two. */
function halvings(n: number): number {
  let octave = 0;
  let left = n;
  while (left >= 2) {
    left /= 2;
    octave++;
  }
  return octave + (left - 1);
}

export function organ(dice: Dice): Voice {
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

export function wind(
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

export function bowed(dice: Dice, unison: number, attack: readonly [number, number]): Voice {
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

export function plucked(
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

export function synthesiser(
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

export function struck(
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

export function piano(dice: Dice): Voice {
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
  const fraction = turns - Math.floor(turns);
  return fraction < 0.5 ? 4 * fraction - 1 : 3 - 4 * fraction;
}

export function sing(dice: Dice): Voice {
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

export function fm(
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
