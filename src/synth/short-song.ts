// Short song: a few seconds of seeded music in the form A A B A for demos and tests. It is independent of the corpus generator in this folder
// and carries no labels.

import { peak, type Waveform } from "../audio/waveform.ts";
import { ConfigError } from "../base/errors.ts";
import { type Rng, seeded } from "../base/random.ts";
import { scales } from "./theory.ts";

/** The plan of a song. */
interface SongPlan {
  readonly sections: readonly ("A" | "B")[];
  readonly sectionSeconds: number;
  readonly beatsPerMinute: number;
  /** Pitch class of the tonic, 0 = C. */
  readonly tonic: number;
  readonly mode: "major" | "minor";
}

/** The two channels being mixed. */
interface Mix {
  readonly sampleRateHz: number;
  readonly channels: [Float32Array, Float32Array];
}

interface SongNote {
  readonly atSeconds: number;
  readonly seconds: number;
  readonly midi: number;
  readonly gain: number;
  /** -1 left … 1 right. */
  readonly pan: number;
}

/** A pitched sound: `partials` harmonics falling as 1/n^tilt, `decay` in 1/s (higher harmonics fade faster). */
interface Timbre {
  readonly partials: number;
  readonly tilt: number;
  readonly attackSeconds: number;
  readonly decay: number;
}

const bass: Timbre = { partials: 5, tilt: 1.2, attackSeconds: 0.006, decay: 2.5 };
const pluck: Timbre = { partials: 7, tilt: 1.0, attackSeconds: 0.003, decay: 6 };
const pad: Timbre = { partials: 4, tilt: 1.6, attackSeconds: 0.15, decay: 0.2 };
const lead: Timbre = { partials: 3, tilt: 1.4, attackSeconds: 0.02, decay: 1 };

/** Scale degrees of four chords a section; the B section leaves the tonic. */
const progressions = {
  major: { A: [0, 4, 5, 3], B: [3, 4, 2, 5] },
  minor: { A: [0, 5, 2, 6], B: [3, 0, 5, 4] },
} as const;

/** Four sections A A B A of whole bars that fill `seconds` at a tempo near 115 beats a minute. */
function planSong(seconds: number, rng: Rng): SongPlan {
  const barsPerSection = Math.max(1, Math.round(seconds / (4 * (1.85 + 0.5 * rng()))));
  const sectionSeconds = Math.max(seconds / 4, 1.2);
  const mode = rng() < 0.5 ? "major" : "minor";
  const beatsPerMinute = (60 * 4 * barsPerSection) / sectionSeconds;
  return { sections: ["A", "A", "B", "A"], sectionSeconds, beatsPerMinute, tonic: Math.floor(rng() * 12), mode };
}

/** Stereo music of exactly `seconds`: the same options give the same samples. The peak is 0.85.
 *  @throws ConfigError for a length or rate that is not positive. */
export function shortSong({ seconds, sampleRateHz = 44_100, seed }: { seconds: number; sampleRateHz?: number; seed: number }): Waveform {
  if (!(seconds > 0) || !(sampleRateHz > 0)) throw new ConfigError(`shortSong: ${seconds} s at ${sampleRateHz} Hz; both must be above 0.`);
  const rng = seeded(seed);
  const plan = planSong(seconds, rng);
  const length = Math.round(seconds * sampleRateHz);
  const mix: Mix = { sampleRateHz, channels: [new Float32Array(length), new Float32Array(length)] };
  const tunes = { A: tune(rng), B: tune(rng) };
  plan.sections.forEach((section, i) => {
    if (section === "A") playDriving(mix, plan, i * plan.sectionSeconds, tunes.A, rng);
    else playBroad(mix, plan, i * plan.sectionSeconds, tunes.B, rng);
  });
  level(mix.channels, 0.85);
  return { sampleRateHz, channels: mix.channels };
}

/** Sixteen indices of chord tones, repeated throughout a section. */
function tune(rng: Rng): number[] {
  return Array.from({ length: 16 }, () => Math.floor(rng() * 4));
}

/** Midi note of a scale degree; degree 7 is the octave. */
function pitch({ tonic, mode }: SongPlan, degree: number, octave: number): number {
  const scale = scales[mode];
  return 12 * (octave + 1 + Math.floor(degree / 7)) + tonic + scale[degree % 7]!;
}

/** Section A: four-on-the-floor drums, bass in eighths, an arpeggio in sixteenths. */
function playDriving(mix: Mix, plan: SongPlan, start: number, steps: number[], rng: Rng): void {
  const beat = 60 / plan.beatsPerMinute;
  const beats = Math.round(plan.sectionSeconds / beat);
  for (let i = 0; i < beats * 4; i++) {
    const atSeconds = start + (i * beat) / 4;
    const chord = progressions[plan.mode].A[Math.floor(i / beats)]!;
    const degree = chord + [0, 2, 4, 7][steps[i % 16]!]!;
    playNote(mix, pluck, { atSeconds, seconds: 0.35, midi: pitch(plan, degree, 4), gain: 0.13, pan: i % 2 ? 0.5 : -0.5 });
    if (i % 2 === 0) playNote(mix, bass, { atSeconds, seconds: beat * 0.45, midi: pitch(plan, chord, 2), gain: 0.3, pan: 0 });
    if (i % 4 === 0) playKick(mix, atSeconds);
    if (i % 8 === 4) playNoise(mix, atSeconds, { seconds: 0.18, gain: 0.22, bright: 0.4, pan: 0.1 }, rng);
    if (i % 4 === 2) playNoise(mix, atSeconds, { seconds: 0.05, gain: 0.1, bright: 1, pan: -0.3 }, rng);
  }
}

/** Section B: held chords, a slow melody, half-time drums. */
function playBroad(mix: Mix, plan: SongPlan, start: number, steps: number[], rng: Rng): void {
  const beat = 60 / plan.beatsPerMinute;
  const beats = Math.round(plan.sectionSeconds / beat);
  const chordSeconds = plan.sectionSeconds / 4;
  progressions[plan.mode].B.forEach((chord, c) => {
    const atSeconds = start + c * chordSeconds;
    [0, 2, 4].forEach((third, n) => {
      playNote(mix, pad, { atSeconds, seconds: chordSeconds, midi: pitch(plan, chord + third, 3), gain: 0.14, pan: (n - 1) * 0.7 });
    });
    playNote(mix, bass, { atSeconds, seconds: chordSeconds * 0.9, midi: pitch(plan, chord, 2), gain: 0.3, pan: 0 });
  });
  for (let i = 0; i < beats; i++) {
    const atSeconds = start + i * beat;
    const chord = progressions[plan.mode].B[Math.floor((4 * i) / beats)]!;
    playNote(mix, lead, { atSeconds, seconds: beat, midi: pitch(plan, chord + [0, 2, 4, 6][steps[i % 16]!]!, 4), gain: 0.2, pan: 0.15 });
    if (i % 4 === 0) playKick(mix, atSeconds);
    if (i % 4 === 2) playNoise(mix, atSeconds, { seconds: 0.25, gain: 0.2, bright: 0.3, pan: 0.1 }, rng);
  }
}

/** Adds `sample(t)` for t = 0 … seconds to both channels, panned with constant power. */
function add(mix: Mix, atSeconds: number, seconds: number, pan: number, sample: (t: number) => number): void {
  const [left, right] = mix.channels;
  const first = Math.round(atSeconds * mix.sampleRateHz);
  const last = Math.min(left.length, first + Math.round(seconds * mix.sampleRateHz));
  const angle = ((pan + 1) * Math.PI) / 4;
  for (let i = first; i < last; i++) {
    const value = sample((i - first) / mix.sampleRateHz);
    left[i] = left[i]! + value * Math.cos(angle);
    right[i] = right[i]! + value * Math.sin(angle);
  }
}

function playNote(mix: Mix, timbre: Timbre, { atSeconds, seconds, midi, gain, pan }: SongNote): void {
  const hertz = 440 * 2 ** ((midi - 69) / 12);
  const release = Math.min(0.05, seconds / 4);
  const partials = Math.min(timbre.partials, Math.floor(mix.sampleRateHz / 2 / hertz)); // none above Nyquist
  add(mix, atSeconds, seconds, pan, (t) => {
    let value = 0;
    for (let n = 1; n <= partials; n++) {
      value += (Math.sin(2 * Math.PI * n * hertz * t) * Math.exp(-timbre.decay * t * (1 + 0.3 * n))) / n ** timbre.tilt;
    }
    return gain * value * Math.min(1, t / timbre.attackSeconds, (seconds - t) / release);
  });
}

/** A bass drum: a sine that falls from 150 Hz to 45 Hz. */
function playKick(mix: Mix, atSeconds: number): void {
  add(mix, atSeconds, 0.3, 0, (t) => {
    const cycles = 45 * t + (105 / 30) * (1 - Math.exp(-30 * t));
    return 0.7 * Math.sin(2 * Math.PI * cycles) * Math.exp(-11 * t) * Math.min(1, (0.3 - t) / 0.05);
  });
}

/** Snare and hat: decaying noise; `bright` 0…1 moves it from white towards its difference, a high-pass. */
function playNoise(mix: Mix, atSeconds: number, sound: { seconds: number; gain: number; bright: number; pan: number }, rng: Rng): void {
  let previous = 0;
  add(mix, atSeconds, sound.seconds, sound.pan, (t) => {
    const white = 2 * rng() - 1;
    const value = white - sound.bright * previous;
    previous = white;
    return sound.gain * value * Math.exp((-5 * t) / sound.seconds);
  });
}

/** Rounds off the loudest moments (tanh) and scales both channels to one peak. */
function level(channels: Float32Array[], target: number): void {
  for (const channel of channels) for (let i = 0; i < channel.length; i++) channel[i] = Math.tanh(channel[i]!);
  const scale = target / (peak({ channels }) || 1);
  for (const channel of channels) for (let i = 0; i < channel.length; i++) channel[i] = channel[i]! * scale;
}
