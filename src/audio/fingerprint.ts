// Acoustic fingerprints: they recognise a recording after re-encoding, a change of gain, or trimming.
//
// A frame's word holds the signs of energy differences along frequency and time (Haitsma and Kalker, "A highly robust audio fingerprinting
// system", ISMIR 2002): 33 bands from 300 to 2000 Hz give 32 bits, about 47 words a second. Two recordings are the same where few of their bits
// differ at some alignment; unrelated ones differ in about half.
import { powerSpectrum } from "./power-spectrum.ts";
import { resample } from "./resample.ts";

/** Fingerprints are computed at this rate; a waveform of another rate is resampled. */
export const fingerprintSampleRateHz = 6000;
const frameSamples = 2048;
const hopSamples = 128;
const bands = 33;
const [lowestHz, highestHz] = [300, 2000];
/** Frames whose energy is this much below the loudest frame's count as silent. */
const silenceRatio = 1e-6;

/** Words of a fingerprint a second. */
export const fingerprintRateHz: number = fingerprintSampleRateHz / hopSamples;

/** The largest share of differing bits at which two recordings count as the same. Copies at 64 to 96 kbit/s differ in 0.03 to 0.06 of their bits,
 *  different songs of one style in 0.34 and more, unrelated ones in about 0.5. */
export const sameRecording = 0.2;

/** The fingerprint of a mono waveform: one word for each 21 ms, 0 where it is silent. Clips shorter than 0.37 s have none. */
export function fingerprint(samples: Float32Array, sampleRateHz: number): Uint32Array {
  const mono = resample(samples, { from: sampleRateHz, to: fingerprintSampleRateHz });
  const frames = Math.floor((mono.length - frameSamples) / hopSamples) + 1;
  if (frames < 2) return new Uint32Array(0);
  const energies = bandEnergies(mono, frames); // [frames, bands]
  const totals = Float64Array.from({ length: frames }, (_, t) => energies.subarray(t * bands, (t + 1) * bands).reduce((a, b) => a + b, 0));
  const silence = silenceRatio * totals.reduce((a, b) => Math.max(a, b), 0);
  const words = new Uint32Array(frames - 1);
  for (let t = 1; t < frames; t++) {
    if (!(totals[t]! > silence && totals[t - 1]! > silence)) continue;
    const [now, before] = [t * bands, (t - 1) * bands];
    let word = 0;
    for (let b = 0; b < bands - 1; b++) {
      const difference = energies[now + b]! - energies[now + b + 1]! - (energies[before + b]! - energies[before + b + 1]!);
      if (difference > 0) word |= 1 << b;
    }
    words[t - 1] = word;
  }
  return words;
}

/** Energy of each frame in each band: [frames, bands]. */
function bandEnergies(mono: Float32Array, frames: number): Float64Array {
  const window = Float64Array.from({ length: frameSamples }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / frameSamples));
  const edges = Array.from({ length: bands + 1 }, (_, b) =>
    Math.round((lowestHz * (highestHz / lowestHz) ** (b / bands) * frameSamples) / fingerprintSampleRateHz),
  );
  const spectrum = powerSpectrum(frameSamples);
  const frame = [new Float64Array(frameSamples), new Float64Array(frameSamples)] as const;
  const power = [new Float64Array(frameSamples / 2 + 1), new Float64Array(frameSamples / 2 + 1)] as const;
  const out = new Float64Array(frames * bands);
  for (let t = 0; t < frames; t += 2) {
    for (const [which, values] of frame.entries()) {
      const at = Math.min(t + which, frames - 1) * hopSamples;
      for (let i = 0; i < frameSamples; i++) values[i] = mono[at + i]! * window[i]!;
    }
    spectrum.pair(frame[0], frame[1], power[0], power[1]);
    for (const [which, values] of power.entries()) {
      if (t + which >= frames) continue;
      for (let b = 0; b < bands; b++) {
        let sum = 0;
        for (let k = edges[b]!; k < edges[b + 1]!; k++) sum += values[k]!;
        out[(t + which) * bands + b] = sum;
      }
    }
  }
  return out;
}

/** How well two fingerprints agree at their best alignment. */
export interface FingerprintMatch {
  /** Share of differing bits where neither is silent, 0 to 1. */
  readonly bitErrorRate: number;
  /** Seconds that `b` begins after `a`. */
  readonly offsetSeconds: number;
  /** Length of the compared part, without silence. */
  readonly seconds: number;
}

export interface MatchOptions {
  /** Alignments that share less audio than this are not considered; default 1. */
  readonly minimumSeconds?: number;
}

/** The best alignment of two fingerprints; undefined where none shares enough audio. */
export function matchFingerprints(a: Uint32Array, b: Uint32Array, { minimumSeconds = 1 }: MatchOptions = {}): FingerprintMatch | undefined {
  const minimum = Math.ceil(minimumSeconds * fingerprintRateHz);
  let best: FingerprintMatch | undefined;
  for (let offset = minimum - b.length; offset <= a.length - minimum; offset++) {
    const match = matchAt(a, b, offset, minimum);
    if (match && (!best || evidence(match) > evidence(best))) best = match;
  }
  return best;
}

/** Deviation from chance in standard errors, up to a factor: it weighs the error rate against the compared length. */
function evidence({ bitErrorRate, seconds }: FingerprintMatch): number {
  return (0.5 - bitErrorRate) * Math.sqrt(seconds);
}

function matchAt(a: Uint32Array, b: Uint32Array, offset: number, minimum: number): FingerprintMatch | undefined {
  let [compared, differing] = [0, 0];
  for (let i = Math.max(0, offset), end = Math.min(a.length, b.length + offset); i < end; i++) {
    const [x, y] = [a[i]!, b[i - offset]!];
    if (x === 0 || y === 0) continue;
    compared++;
    differing += bitCount(x ^ y);
  }
  if (compared < minimum) return undefined;
  return { bitErrorRate: differing / (32 * compared), offsetSeconds: offset / fingerprintRateHz, seconds: compared / fingerprintRateHz };
}

function bitCount(x: number): number {
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Many fingerprints, searched for the one that a recording matches. */
export interface FingerprintIndex {
  /** The best match among the fingerprints with at most `sameRecording` differing bits, and its index; undefined where there is none. */
  find(query: Uint32Array): (FingerprintMatch & { readonly index: number }) | undefined;
}

/** Words that occur more often than this in an index tell recordings apart too poorly to be looked up. */
const commonWord = 64;

/** Indexes fingerprints by their words: a query is aligned only with those that share a word exactly, as nearly every copy does. */
export function indexFingerprints(fingerprints: readonly Uint32Array[], options: MatchOptions = {}): FingerprintIndex {
  const minimum = Math.ceil((options.minimumSeconds ?? 1) * fingerprintRateHz);
  const places = new Map<number, number[]>(); // word → index, position, index, position …
  for (const [index, words] of fingerprints.entries()) {
    for (const [position, word] of words.entries()) {
      if (word === 0) continue;
      const list = places.get(word);
      if (!list) places.set(word, [index, position]);
      else if (list.length < 2 * commonWord) list.push(index, position);
    }
  }
  return {
    find(query) {
      const tried = new Set<string>();
      let best: (FingerprintMatch & { index: number }) | undefined;
      for (const [position, word] of query.entries()) {
        const list = places.get(word);
        if (!list || list.length >= 2 * commonWord) continue;
        for (let i = 0; i < list.length; i += 2) {
          const [index, offset] = [list[i]!, list[i + 1]! - position];
          const alignment = `${index} ${offset}`;
          if (tried.has(alignment)) continue;
          tried.add(alignment);
          const match = matchAt(fingerprints[index]!, query, offset, minimum);
          if (!match || match.bitErrorRate > sameRecording) continue;
          if (!best || evidence(match) > evidence(best)) best = { ...match, index };
        }
      }
      return best;
    },
  };
}
