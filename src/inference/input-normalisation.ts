// Input normalisation and padding, as transformers' Wav2Vec2FeatureExtractor does them.

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

/** Mean and (population) variance of a signal's samples. */
export interface Loudness {
  readonly mean: number;
  readonly variance: number;
}

/** (x − mean) / sqrt(variance + 1e-7), with statistics in float64: the waveform's own, or those given for the clip that contains it. */
export function normalise(waveform: Float32Array, { mean, variance }: Loudness = loudness(waveform)): Float32Array {
  const scale = normalisingScale(variance);
  return waveform.map((x) => (x - mean) * scale);
}

/** The factor of normalisation, 1 / sqrt(variance + 1e-7). */
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

/** A batch of waveforms, each padded with zeros to the length of the longest. */
export function padBatch(waveforms: readonly Float32Array[]): PaddedBatch {
  const samples = Math.max(0, ...waveforms.map((w) => w.length));
  const values = new Float32Array(waveforms.length * samples);
  waveforms.forEach((waveform, row) => {
    values.set(waveform, row * samples);
  });
  return { values, rows: waveforms.length, samples, lengths: waveforms.map((w) => w.length) };
}

/** The network's input for a batch. With `normalise`, each clip is normalised over its own samples; with `overPadding`, over its padded row,
 *  as transformers does for models whose `return_attention_mask` is false. */
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
