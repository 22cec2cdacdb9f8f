// Input normalisation and padding: what transformers' Wav2Vec2FeatureExtractor does between the waveform and the network.

export interface PaddedBatch {
  /** [rows, samples], right-padded with zeros. */
  readonly values: Float32Array;
  readonly rows: number;
  readonly samples: number;
  /** Valid samples of each row. */
  readonly lengths: readonly number[];
}

/** A waveform of zero mean and unit (population) variance: (x − mean) / sqrt(variance + 1e-7). Statistics in float64. */
export function normalise(waveform: Float32Array): Float32Array {
  let sum = 0;
  for (const x of waveform) sum += x;
  const mean = sum / waveform.length;
  let squares = 0;
  for (const x of waveform) squares += (x - mean) ** 2;
  const scale = 1 / Math.sqrt(squares / waveform.length + 1e-7);
  return waveform.map((x) => (x - mean) * scale);
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
  if (!options.overPadding) return padBatch(waveforms.map(normalise));
  const batch = padBatch(waveforms);
  for (let row = 0; row < batch.rows; row++) {
    const span = batch.values.subarray(row * batch.samples, (row + 1) * batch.samples);
    span.set(normalise(span));
  }
  return batch;
}
