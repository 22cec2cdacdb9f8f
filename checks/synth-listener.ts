// Simple features of generated clips, and linear and nearest-neighbour classifiers over them.
import { spectrogram } from "../src/synth/spectrum.ts";

const [size, hop] = [1024, 512];

export interface Heard {
  /** Loudness in decibels, mean spectral centroid in hertz, length in seconds. */
  readonly trivial: number[];
  /** The same, and the standard deviation over time of the first two. */
  readonly wavering: number[];
  /** Band energies and rhythm, without pitch. */
  readonly plain: number[];
}

export function listen(samples: Float32Array, sampleRateHz: number): Heard {
  const { frames, bins, values } = spectrogram(samples, size, hop);
  const [centroids, loudness]: [number[], number[]] = [[], []];
  const flux = new Float64Array(frames);
  const bandCount = 20;
  const bands = Array.from({ length: bandCount }, () => new Float64Array(frames));
  for (let f = 0; f < frames; f++) {
    let [weight, moment, energy] = [1e-9, 0, 1e-12];
    for (let k = 1; k < bins; k++) {
      const value = values[f * bins + k]!;
      weight += value;
      moment += k * value;
      energy += value * value;
      const band = Math.min(bandCount - 1, Math.floor((bandCount * Math.log2(1 + k / 4)) / Math.log2(1 + bins / 4)));
      bands[band]![f]! += value * value;
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
  return { trivial, wavering: [...trivial, deviation(loudness), deviation(centroids)], plain };
}

/** The normalised autocorrelation of an envelope at lags of 0.1 to 2 s, in steps of a third of an octave. */
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

export interface Part {
  readonly x: number[][];
  readonly y: number[];
}

/** Both parts standardised by the mean and the deviation of the train part. */
export function standardised(train: Part, test: Part): [Part, Part] {
  const columns = train.x[0]!.map((_, c) => train.x.map((row) => row[c]!));
  const [means, spreads] = [columns.map(mean), columns.map((column) => deviation(column) || 1)];
  const scale = (part: Part) => ({ ...part, x: part.x.map((row) => row.map((value, c) => (value - means[c]!) / spreads[c]!)) });
  return [scale(train), scale(test)];
}

/** Accuracy of the `k` nearest neighbours' vote. */
export function neighboursAccuracy(train: Part, test: Part, k = 15): number {
  const right = test.x.filter((row, i) => {
    const votes = new Map<number, number>();
    for (const j of nearestRows(train, row, k)) votes.set(train.y[j]!, (votes.get(train.y[j]!) ?? 0) + 1);
    return [...votes].sort((a, b) => b[1] - a[1])[0]![0] === test.y[i];
  });
  return right.length / test.x.length;
}

/** R² of the `k` nearest neighbours' mean. */
export function neighboursR2(train: Part, test: Part, k = 15): number {
  return r2(
    test.x.map((row) => mean(nearestRows(train, row, k).map((j) => train.y[j]!))),
    test.y,
  );
}

function nearestRows({ x }: Part, row: readonly number[], k: number): number[] {
  const distances = x.map((other, j) => [other.reduce((sum, value, c) => sum + (value - row[c]!) ** 2, 0), j] as const);
  return distances
    .sort((a, b) => a[0] - b[0])
    .slice(0, k)
    .map(([, j]) => j);
}

function r2(estimates: readonly number[], truth: readonly number[]): number {
  const middle = mean(truth);
  const residual = estimates.reduce((sum, estimate, i) => sum + (estimate - truth[i]!) ** 2, 0);
  return 1 - residual / truth.reduce((sum, value) => sum + (value - middle) ** 2, 0);
}

/** Scores of a linear model fitted by gradient descent, [rows, outputs]: softmax regression for classes, least squares for one number. */
function linear(train: Part, test: Part, classes: number): number[][] {
  const outputs = Math.max(1, classes);
  const width = train.x[0]!.length;
  const weights = Array.from({ length: outputs }, () => new Float64Array(width + 1));
  const score = (row: readonly number[]) => weights.map((w) => row.reduce((sum, value, c) => sum + value * w[c]!, w[width]!));
  const rate = 0.5 / Math.max(1, width / 8);
  for (let epoch = 0; epoch < 400; epoch++) {
    const gradients = weights.map((w) => w.map((value, c) => (c === width ? 0 : 0.01 * value)));
    train.x.forEach((row, i) => {
      const scores = score(row);
      const top = Math.max(...scores);
      const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
      for (let o = 0; o < outputs; o++) {
        const error = classes === 0 ? scores[o]! - train.y[i]! : Math.exp(scores[o]! - top) / total - (train.y[i] === o ? 1 : 0);
        for (let c = 0; c <= width; c++) gradients[o]![c]! += (error * (c === width ? 1 : row[c]!)) / train.x.length;
      }
    });
    for (let o = 0; o < outputs; o++) for (let c = 0; c <= width; c++) weights[o]![c]! -= rate * gradients[o]![c]!;
  }
  return test.x.map(score);
}

export function linearAccuracy(train: Part, test: Part, classes: number): number {
  const right = linear(train, test, classes).filter((scores, i) => scores.indexOf(Math.max(...scores)) === test.y[i]);
  return right.length / test.x.length;
}

export function linearR2(train: Part, test: Part): number {
  return r2(
    linear(train, test, 0).map(([estimate]) => estimate!),
    test.y,
  );
}
