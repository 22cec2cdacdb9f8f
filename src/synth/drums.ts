// Drum synthesis: skins (a sine of falling frequency and noise), metal (inharmonic square waves), and bursts of noise. A kit is a patch: its
// number decides the settings of every piece.
import { between, betweenLog, seededBy } from "./dice.ts";
import { exp2, softClip } from "./exact-math.ts";
import { type DrumPiece, drumPieces } from "./score.ts";
import { noiseMask, sweepLowPass, tableSine, whiteNoise } from "./voice.ts";

export interface DrumSound {
  readonly samples: Float32Array;
  readonly pan: number;
}

export type Kit = Readonly<Record<DrumPiece, DrumSound>>;

interface Skin {
  readonly from: number;
  readonly to: number;
  readonly dropSeconds: number;
  readonly seconds: number;
  /** Noise of snare wires or beater: level, decay and the share of high frequencies. */
  readonly noise: number;
  readonly noiseSeconds: number;
  readonly bright: number;
  readonly drive: number;
}

/** The sounds of a kit at a sample rate, balanced as in a real drum set. */
export function drumKit(patch: number, sampleRateHz: number): Kit {
  const rng = seededBy("kit", patch);
  const r = (low: number, high: number) => between(rng, low, high);
  const l = (low: number, high: number) => betweenLog(rng, low, high);
  const snareTone = l(150, 240);
  const tomTone = l(80, 150);
  const skins: Partial<Record<DrumPiece, Skin>> = {
    kick: {
      from: l(110, 260),
      to: l(42, 62),
      dropSeconds: l(0.012, 0.04),
      seconds: l(0.15, 0.5),
      noise: r(0.05, 0.35),
      noiseSeconds: 0.012,
      bright: r(0.2, 0.9),
      drive: r(1, 2.5),
    },
    snare: {
      from: snareTone * 1.4,
      to: snareTone,
      dropSeconds: 0.02,
      seconds: l(0.08, 0.18),
      noise: r(0.7, 1.6),
      noiseSeconds: l(0.09, 0.28),
      bright: r(0.35, 0.95),
      drive: r(1, 1.6),
    },
    rim: {
      from: l(1400, 2200),
      to: l(800, 1300),
      dropSeconds: 0.004,
      seconds: l(0.02, 0.05),
      noise: r(0.1, 0.5),
      noiseSeconds: 0.012,
      bright: 0.8,
      drive: 1,
    },
    tom: {
      from: tomTone * 1.7,
      to: tomTone,
      dropSeconds: 0.05,
      seconds: l(0.2, 0.45),
      noise: r(0.03, 0.15),
      noiseSeconds: 0.03,
      bright: 0.4,
      drive: 1.2,
    },
    conga: {
      from: l(260, 340),
      to: l(190, 250),
      dropSeconds: 0.015,
      seconds: l(0.1, 0.25),
      noise: r(0.02, 0.2),
      noiseSeconds: 0.015,
      bright: 0.5,
      drive: 1,
    },
  };
  const metals: Partial<Record<DrumPiece, readonly [seconds: number, tone: number]>> = {
    hat: [l(0.03, 0.08), r(0.2, 0.8)],
    openHat: [l(0.18, 0.4), r(0.2, 0.8)],
    ride: [l(0.5, 1.1), r(0.4, 0.9)],
    crash: [l(0.9, 1.8), r(0.1, 0.5)],
    tambourine: [l(0.06, 0.14), r(0.3, 0.7)],
  };
  const bursts: Partial<Record<DrumPiece, readonly [attack: number, seconds: number, bright: number, count: number]>> = {
    clap: [0.001, l(0.09, 0.2), r(0.5, 0.8), 4],
    shaker: [r(0.015, 0.035), l(0.05, 0.1), r(0.8, 0.95), 1],
    brush: [r(0.004, 0.02), l(0.08, 0.16), r(0.4, 0.7), 1],
  };
  const base = l(280, 520);
  const side = r(0, 1) < 0.8 ? 1 : -1; // panned as the drummer or as the audience hears it
  const sounds = drumPieces.map((piece): [DrumPiece, DrumSound] => {
    const [skin, metal, burst] = [skins[piece], metals[piece], bursts[piece]];
    const offset = Math.floor(rng() * noiseMask);
    const samples = skin
      ? playSkin(skin, offset, sampleRateHz)
      : metal
        ? playMetal(metal[0], metal[1], base, offset, sampleRateHz)
        : playBurst(burst!, offset, sampleRateHz);
    for (let i = 0; i < samples.length; i++) samples[i] = samples[i]! * loudness[piece];
    return [piece, { samples, pan: side * pans[piece] }];
  });
  return Object.fromEntries(sounds) as Kit;
}

const loudness: Readonly<Record<DrumPiece, number>> = {
  kick: 0.85,
  snare: 0.6,
  rim: 0.5,
  clap: 0.5,
  hat: 0.2,
  openHat: 0.22,
  ride: 0.2,
  crash: 0.4,
  tom: 0.7,
  shaker: 0.16,
  tambourine: 0.18,
  conga: 0.5,
  brush: 0.35,
};
const pans: Readonly<Record<DrumPiece, number>> = {
  kick: 0,
  snare: 0.05,
  rim: 0.1,
  clap: -0.05,
  hat: -0.4,
  openHat: -0.4,
  ride: 0.5,
  crash: 0.45,
  tom: 0.3,
  shaker: 0.55,
  tambourine: -0.55,
  conga: 0.6,
  brush: -0.1,
};

function playSkin(
  { from, to, dropSeconds, seconds, noise, noiseSeconds, bright, drive }: Skin,
  offset: number,
  rate: number,
): Float32Array {
  const out = new Float32Array(Math.round(Math.max(seconds, noiseSeconds) * 1.6 * rate));
  const [drop, fall, hiss] = [exp2(-1.44 / (dropSeconds * rate)), exp2(-6 / (seconds * rate)), exp2(-6 / (noiseSeconds * rate))];
  let [excess, level, noisy, turns, low] = [1, 1, noise, 0, 0];
  for (let i = 0; i < out.length; i++) {
    turns += (to + (from - to) * excess) / rate;
    const white = whiteNoise[(offset + i) & noiseMask]!;
    low += 0.3 * (white - low);
    out[i] = softClip(drive * level * tableSine(turns)) / softClip(drive) + noisy * (low + bright * (white - low));
    excess *= drop;
    level *= fall;
    noisy *= hiss;
  }
  return fadeEnd(out);
}

/** Six square waves of inharmonic frequencies mixed with noise, high-passed. */
function playMetal(seconds: number, tone: number, base: number, offset: number, rate: number): Float32Array {
  const out = new Float32Array(Math.round(seconds * 1.5 * rate));
  const fall = exp2(-6 / (seconds * rate));
  const ratios = [1, 1.342, 1.2312, 1.6532, 1.9523, 2.1523];
  const phases = ratios.map((_, i) => (i * 0.377) % 1);
  let [level, low, lower] = [1, 0, 0];
  const open = Math.min(1, 16000 / rate); // one-pole corner near 3 kHz
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let n = 0; n < 6; n++) {
      phases[n] = phases[n]! + (8 * base * ratios[n]!) / rate;
      if (phases[n]! >= 1) phases[n] = phases[n]! - Math.floor(phases[n]!);
      sum += phases[n]! < 0.5 ? 0.4 : -0.4;
    }
    const value = tone * sum + (1 - tone) * whiteNoise[(offset + i) & noiseMask]!;
    low += open * 0.6 * (value - low);
    lower += open * 0.6 * (value - low - lower);
    out[i] = level * (value - low - lower);
    level *= fall;
  }
  return fadeEnd(out);
}

function playBurst(
  [attack, seconds, bright, count]: readonly [number, number, number, number],
  offset: number,
  rate: number,
): Float32Array {
  const out = new Float32Array(Math.round((attack + seconds * 1.5 + 0.04) * rate));
  const fall = exp2(-6 / (seconds * rate));
  const rapid = exp2(-6 / (0.012 * rate));
  const gap = Math.round(0.011 * rate);
  let level = 0;
  let low = 0;
  for (let i = 0; i < out.length; i++) {
    const again = i % gap === 0 && i / gap < count;
    if (count > 1 && again) level = 1;
    else if (count > 1) level *= i < gap * (count - 1) ? rapid : fall;
    else level = i < attack * rate ? i / (attack * rate) : level * fall;
    const white = whiteNoise[(offset + i) & noiseMask]!;
    low += 0.25 * (white - low);
    out[i] = level * (white - bright * low);
  }
  sweepLowPass(out, out.length, () => 9000, 0, rate);
  return fadeEnd(out);
}

function fadeEnd(out: Float32Array): Float32Array {
  const tail = Math.min(200, out.length);
  for (let i = 1; i <= tail; i++) out[out.length - i] = out[out.length - i]! * ((i - 1) / tail);
  return out;
}
