// Features of generated clips, from three trivial numbers to MFCC statistics, for the baselines of synth-baseline.ts.
import { spectrogram } from "../src/synth/spectrum.ts";

const [size, hop] = [1024, 512];

/** Sets of features of a clip. */
export interface Features {
  /** Loudness in decibels, mean spectral centroid in hertz, length in seconds. */
  readonly trivial: number[];
  /** The same, and the deviations of the first two over time. */
  readonly wavering: number[];
  /** Centroid, spread and 85 % roll-off of the time-mean spectrum, in hertz. */
  readonly average: number[];
  /** The time-mean spectrum in 24 bands, decibels against their mean. */
  readonly spectrum: number[];
  /** Twenty mel-frequency cepstral coefficients: mean and deviation over time, and the deviation of their differences. */
  readonly mfcc: number[];
  /** Levels and deviations of 20 bands, and rhythm: the self-similarity of five onset envelopes. No pitch. */
  readonly plain: number[];
}

export function featuresOf(samples: Float32Array, sampleRateHz: number): Features {
  const { frames, bins, values } = spectrogram(samples, size, hop);
  const [centroids, loudness]: [number[], number[]] = [[], []];
  const flux = new Float64Array(frames);
  const bandCount = 20;
  const bands = Array.from({ length: bandCount }, () => new Float64Array(frames));
  const bandOf = Uint8Array.from({ length: bins }, (_, k) =>
    Math.min(bandCount - 1, Math.floor((bandCount * Math.log2(1 + k / 4)) / Math.log2(1 + bins / 4))),
  );
  for (let f = 0; f < frames; f++) {
    let [weight, moment, energy] = [1e-9, 0, 1e-12];
    for (let k = 1; k < bins; k++) {
      const value = values[f * bins + k]!;
      weight += value;
      moment += k * value;
      energy += value * value;
      bands[bandOf[k]!]![f]! += value * value;
      if (f > 0) flux[f]! += Math.max(0, Math.sqrt(value) - Math.sqrt(values[(f - 1) * bins + k]!));
    }
    centroids.push((moment / weight) * (sampleRateHz / size));
    loudness.push(10 * Math.log10(energy));
  }
  let square = 0;
  for (const sample of samples) square += sample * sample;
  const trivial = [10 * Math.log10(square / samples.length + 1e-12), mean(centroids), samples.length / sampleRateHz];
  const logBands = bands.map((band) => Array.from(band, (energy) => 10 * Math.log10(energy + 1e-9)));
  const envelopes = [Array.from(flux), ...[0, 6, 12, 18].map((band) => Array.from(bands[band]!, (energy) => Math.sqrt(energy)))];
  const plain = [
    ...logBands.map((band) => mean(band) - mean(loudness)),
    ...logBands.map(deviation),
    ...envelopes.flatMap((envelope) => rhythm(envelope, sampleRateHz / hop)),
  ];
  return {
    trivial,
    wavering: [...trivial, deviation(loudness), deviation(centroids)],
    ...timeMean(values, frames, bins, sampleRateHz),
    mfcc: mfcc(values, frames, bins, sampleRateHz),
    plain,
  };
}

function timeMean(values: Float32Array, frames: number, bins: number, sampleRateHz: number): { average: number[]; spectrum: number[] } {
  const sum = new Float64Array(bins);
  for (let f = 0; f < frames; f++) for (let k = 1; k < bins; k++) sum[k]! += values[f * bins + k]!;
  const hertz = (k: number) => (k * sampleRateHz) / size;
  let [weight, moment, square] = [1e-9, 0, 0];
  for (let k = 1; k < bins; k++) {
    weight += sum[k]!;
    moment += hertz(k) * sum[k]!;
    square += hertz(k) ** 2 * sum[k]!;
  }
  const centroid = moment / weight;
  let [rollOff, below] = [0, 0];
  while (below < 0.85 * weight && rollOff < bins - 1) below += sum[++rollOff]!;
  const bands = melWeights(24, bins, sampleRateHz).map((band) => {
    let energy = 1e-9;
    for (const [k, share] of band) energy += share * sum[k]!;
    return 20 * Math.log10(energy);
  });
  const middle = mean(bands);
  return {
    average: [centroid, Math.sqrt(Math.max(0, square / weight - centroid ** 2)), hertz(rollOff)],
    spectrum: bands.map((band) => band - middle),
  };
}

/** Triangles between 0 and half the sample rate, equally wide in mel: a list of [bin, share] a band. */
function melWeights(count: number, bins: number, sampleRateHz: number): [number, number][][] {
  const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
  const top = mel(sampleRateHz / 2);
  return Array.from({ length: count }, (_, band) => {
    const list: [number, number][] = [];
    for (let k = 1; k < bins; k++) {
      const place = (mel((k * sampleRateHz) / size) / top) * (count + 1) - (band + 1);
      if (Math.abs(place) < 1) list.push([k, 1 - Math.abs(place)]);
    }
    return list;
  });
}

function mfcc(values: Float32Array, frames: number, bins: number, sampleRateHz: number): number[] {
  const [bandCount, count] = [40, 20];
  const bands = melWeights(bandCount, bins, sampleRateHz);
  const cosines = Array.from({ length: count }, (_, c) =>
    Array.from({ length: bandCount }, (_, b) => Math.cos((Math.PI * c * (b + 0.5)) / bandCount)),
  );
  const series = Array.from({ length: count }, () => [] as number[]);
  const log = new Float64Array(bandCount);
  for (let f = 0; f < frames; f++) {
    for (let b = 0; b < bandCount; b++) {
      let energy = 1e-6;
      for (const [k, share] of bands[b]!) energy += share * values[f * bins + k]! * values[f * bins + k]!;
      log[b] = Math.log(energy);
    }
    for (let c = 0; c < count; c++) {
      let sum = 0;
      for (let b = 0; b < bandCount; b++) sum += log[b]! * cosines[c]![b]!;
      series[c]!.push(sum);
    }
  }
  const differences = series.map((list) => list.slice(1).map((value, i) => value - list[i]!));
  return [...series.map(mean), ...series.map(deviation), ...differences.map(deviation)];
}

/** Autocorrelation of an envelope at 13 lags of 0.1 to 2 s. */
function rhythm(envelope: readonly number[], framesPerSecond: number): number[] {
  const middle = mean(envelope);
  const centred = envelope.map((value) => value - middle);
  const power = centred.reduce((sum, value) => sum + value * value, 1e-12);
  return Array.from({ length: 13 }, (_, i) => {
    const lag = Math.max(1, Math.round(0.1 * 2 ** (i / 2.8) * framesPerSecond));
    let best = -1;
    for (let near = Math.floor(lag * 0.9); near <= lag * 1.1; near++) {
      let sum = 0;
      for (let t = near; t < centred.length; t++) sum += centred[t]! * centred[t - near]!;
      best = Math.max(best, sum / power);
    }
    return best;
  });
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

export function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}
