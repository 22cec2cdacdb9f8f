// Input normalisation and padding: what transformers' Wav2Vec2FeatureExtractor does between the waveform and the network.

/** Whether a model's input is brought to zero mean and unit variance, and what says so: for provenance. */
export interface InputNormalisation {
  readonly on: boolean;
  readonly source: string;
}

export interface PaddedBatch {
  /** [rows, samples], right-padded with zeros. */
  readonly values: Float32Array;
  readonly rows: number;
  readonly samples: number;
  /** Valid samples of each row. */
  readonly lengths: readonly number[];
}

/** Of a signal's samples; the variance is the population's. */
export interface Loudness {
  readonly mean: number;
  readonly variance: number;
}

/** A waveform of zero mean and unit variance: (x − mean) / sqrt(variance + 1e-7). Statistics in float64: its own, or those of the clip that
 *  it is a part of. */
export function normalise(waveform: Float32Array, { mean, variance }: Loudness = loudness(waveform)): Float32Array {
  const scale = normalisingScale(variance);
  return waveform.map((x) => (x - mean) * scale);
}

/** What a sample's distance from the mean is multiplied by. */
export function normalisingScale(variance: number): number {
  return 1 / Math.sqrt(variance + 1e-7);
}

function loudness(waveform: Float32Array): Loudness {
  let sum = 0;
  for (const x of waveform) sum += x;
  const mean = sum / waveform.length;
  let squares = 0;
  for (const x of waveform) squares += (x - mean) ** 2;
  return { mean, variance: squares / waveform.length };
}

/** Lays waveforms side by side, each padded with zeros to the longest. */
export function padBatch(waveforms: readonly Float32Array[]): PaddedBatch {
  const samples = Math.max(0, ...waveforms.map((w) => w.length));
  const values = new Float32Array(waveforms.length * samples);
  waveforms.forEach((waveform, row) => {
    values.set(waveform, row * samples);
  });
  return { values, rows: waveforms.length, samples, lengths: waveforms.map((w) => w.length) };
}

/** A batch as the network takes it. With `normalise`, each clip is normalised over its own samples; with `overPadding` over its padded row
 *  instead, which is what the original does for models whose `return_attention_mask` is false. */
export function prepareBatch(waveforms: readonly Float32Array[], options: { normalise: boolean; overPadding?: boolean }): PaddedBatch {
  if (!options.normalise) return padBatch(waveforms);
  if (!options.overPadding) return padBatch(waveforms.map((waveform) => normalise(waveform)));
  const batch = padBatch(waveforms);
  for (let row = 0; row < batch.rows; row++) {
    const span = batch.values.subarray(row * batch.samples, (row + 1) * batch.samples);
    span.set(normalise(span));
  }
  return batch;
}
