// Estimates of key, chords and tempo from sound alone, by textbook methods that share no code with the generator: what its labels are
// compared with.
import { spectrogram } from "../src/synth/spectrum.ts";

/** Krumhansl and Kessler's probe-tone profiles (1982). */
const profiles = {
  major: [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
  minor: [6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
} as const;

export interface Estimates {
  readonly key: { readonly tonic: number; readonly mode: "major" | "minor" };
  /** One triad a frame: root · 2, plus 1 for minor. */
  readonly chords: readonly number[];
  /** Seconds between frames of chords; frame i is centred at (i + 0.5) times this. */
  readonly chordHopSeconds: number;
  readonly beatsPerMinute: number;
}

export function estimate(samples: Float32Array, sampleRateHz: number): Estimates {
  const hop = 2048;
  const chroma = chromaFrames(samples, sampleRateHz, hop);
  return {
    key: keyOf(chroma),
    chords: chordsOf(chroma),
    chordHopSeconds: hop / sampleRateHz,
    beatsPerMinute: tempoOf(samples, sampleRateHz),
  };
}

/** Energy of spectral peaks by pitch class: [frames][12], each frame of unit length. */
function chromaFrames(samples: Float32Array, sampleRateHz: number, hop: number): number[][] {
  const size = 8192;
  const padded = new Float32Array(samples.length + size);
  padded.set(samples, (size - hop) / 2);
  const { frames, bins, values } = spectrogram(padded, size, hop);
  const [lowest, highest] = [Math.ceil((60 * size) / sampleRateHz), Math.floor((2000 * size) / sampleRateHz)];
  return Array.from({ length: frames }, (_, frame) => {
    const chroma = new Array<number>(12).fill(0);
    for (let k = lowest; k < highest; k++) {
      const at = frame * bins + k;
      const [a, b, c] = [values[at - 1]!, values[at]!, values[at + 1]!];
      if (b <= a || b < c) continue;
      const exact = k + (0.5 * (c - a)) / Math.max(1e-9, 2 * b - a - c);
      const midi = 69 + 12 * Math.log2((exact * sampleRateHz) / size / 440);
      const pitch = Math.round(midi);
      if (Math.abs(midi - pitch) < 0.35) chroma[((pitch % 12) + 12) % 12]! += Math.sqrt(b);
    }
    const norm = Math.hypot(...chroma) || 1;
    return chroma.map((value) => value / norm);
  });
}

function keyOf(chroma: readonly (readonly number[])[]): Estimates["key"] {
  const sum = Array.from({ length: 12 }, (_, pitch) => chroma.reduce((total, frame) => total + frame[pitch]!, 0));
  let best = { tonic: 0, mode: "major" as "major" | "minor", fit: Number.NEGATIVE_INFINITY };
  for (const mode of ["major", "minor"] as const) {
    for (let tonic = 0; tonic < 12; tonic++) {
      const fit = correlation(
        sum.map((_, i) => sum[(i + tonic) % 12]!),
        profiles[mode],
      );
      if (fit > best.fit) best = { tonic, mode, fit };
    }
  }
  return { tonic: best.tonic, mode: best.mode };
}

/** The most likely path through 24 triads (Viterbi): templates with a few harmonics, a fixed cost of changing. */
function chordsOf(chroma: readonly (readonly number[])[]): number[] {
  const templates = Array.from({ length: 24 }, (_, chord) => {
    const template = new Array<number>(12).fill(0);
    const tones = chord % 2 === 0 ? [0, 4, 7] : [0, 3, 7];
    for (const tone of tones)
      for (const [above, weight] of [
        [0, 1],
        [7, 0.25],
        [4, 0.1],
      ] as const)
        template[((chord >> 1) + tone + above) % 12]! += weight;
    const norm = Math.hypot(...template);
    return template.map((value) => value / norm);
  });
  const smooth = chroma.map((_, i) => {
    const near = chroma.slice(Math.max(0, i - 2), i + 3);
    return Array.from({ length: 12 }, (_, pitch) => near.reduce((sum, frame) => sum + frame[pitch]!, 0) / near.length);
  });
  const cost = 0.7;
  let scores = new Array<number>(24).fill(0);
  const from: Uint8Array[] = [];
  for (const frame of smooth) {
    const fits = templates.map((template) => 4 * template.reduce((sum, value, pitch) => sum + value * frame[pitch]!, 0));
    const top = scores.indexOf(Math.max(...scores));
    const back = new Uint8Array(24);
    scores = scores.map((score, chord) => {
      const stays = score >= scores[top]! - cost;
      back[chord] = stays ? chord : top;
      return fits[chord]! + (stays ? score : scores[top]! - cost);
    });
    from.push(back);
  }
  let at = scores.indexOf(Math.max(...scores));
  const path: number[] = [];
  for (let i = from.length - 1; i >= 0; i--) {
    path.push(at);
    at = from[i]![at]!;
  }
  return path.reverse();
}

/** The lag at which the onset envelope agrees best with itself, twice and four times that lag included, preferring 120 beats a minute. */
function tempoOf(samples: Float32Array, sampleRateHz: number): number {
  const [size, hop] = [1024, 256];
  const { frames, bins, values } = spectrogram(samples, size, hop);
  const flux = new Float64Array(frames);
  for (let frame = 1; frame < frames; frame++) {
    let sum = 0;
    for (let k = 1; k < bins; k++) {
      const rise = Math.log1p(20 * values[frame * bins + k]!) - Math.log1p(20 * values[(frame - 1) * bins + k]!);
      if (rise > 0) sum += rise;
    }
    flux[frame] = sum;
  }
  const rate = sampleRateHz / hop;
  const width = Math.round(rate / 2);
  const level = flux.map((value, i) => {
    let [sum, count] = [0, 0];
    for (let j = Math.max(0, i - width); j < Math.min(frames, i + width); j += 4) [sum, count] = [sum + flux[j]!, count + 1];
    return Math.max(0, value - sum / count);
  });
  const longest = Math.ceil(4.2 * rate * 1.5);
  const likeness = new Float64Array(longest + 2);
  for (let lag = 1; lag < longest + 2; lag++) {
    let sum = 0;
    for (let i = lag; i < frames; i++) sum += level[i]! * level[i - lag]!;
    likeness[lag] = sum / (frames - lag);
  }
  const at = (lag: number) => {
    const whole = Math.floor(lag);
    return likeness[whole]! + (lag - whole) * (likeness[whole + 1]! - likeness[whole]!);
  };
  let best = { beatsPerMinute: 0, fit: Number.NEGATIVE_INFINITY };
  for (let bpm = 50; bpm < 220; bpm *= 1.005) {
    const lag = (60 / bpm) * rate;
    const prior = Math.exp(-0.5 * (Math.log2(bpm / 110) / 0.7) ** 2);
    const fit = prior * (at(lag) + 0.6 * at(2 * lag) + 0.5 * at(4 * lag) + 0.3 * at(lag / 2));
    if (fit > best.fit) best = { beatsPerMinute: bpm, fit };
  }
  return best.beatsPerMinute;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (x: readonly number[]) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const dot = (x: readonly number[], middleX: number, y: readonly number[], middleY: number) =>
    x.reduce((sum, value, i) => sum + (value - middleX) * (y[i]! - middleY), 0);
  return dot(a, meanA, b, meanB) / Math.sqrt(dot(a, meanA, a, meanA) * dot(b, meanB, b, meanB));
}
