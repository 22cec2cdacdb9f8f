// Chroma: the energy of each of the twelve pitch classes regardless of octave, from the constant-Q transform summed over octaves.
//
// The chroma that MERT-v0's harmonic teacher used was never published. This one follows librosa's chroma_cqt: magnitudes summed over octaves,
// each frame divided by its largest entry.
import type { Ops } from "../ops/ops.ts";
import { type CqtOptions, cqt } from "./cqt.ts";

export interface ChromaOptions {
  readonly sampleRateHz: number;
  readonly hopSamples: number;
  /** Pitch classes: 12, or a multiple for finer ones. */
  readonly classes: number;
  readonly octaves: number;
}

/** Twelve classes over the seven octaves from C1, a frame every 320 samples; any of it may be overridden. */
export function standardChroma(options: Pick<ChromaOptions, "sampleRateHz"> & Partial<ChromaOptions>): ChromaOptions {
  return { classes: 12, octaves: 7, hopSamples: 320, ...options };
}

/** The smallest divisor: frames whose strongest class lies below it are nearly silent, and stay near zero. */
const silence = 1e-3;

/** waveform [batch, samples] → [batch, samples / hop + 1, classes], C first, the strongest class of a frame 1. */
export function chroma<T>(ops: Ops<T>, waveform: T, options: ChromaOptions): T {
  const { classes, octaves } = options;
  const magnitudes = cqt(ops, waveform, chromaCqt(options)); // [b, t, classes · octaves]
  const fold = Float32Array.from({ length: octaves * classes * classes }, (_, i) =>
    Math.floor(i / classes) % classes === i % classes ? 1 : 0,
  );
  const folded = ops.matmul(magnitudes, ops.constant(fold, [octaves * classes, classes]));
  return ops.div(folded, ops.maximum(ops.max(folded, 2), silence));
}

/** The constant-Q transform that is summed over octaves. */
export function chromaCqt({ sampleRateHz, hopSamples, classes, octaves }: ChromaOptions): CqtOptions {
  return { sampleRateHz, hopSamples, bins: classes * octaves, binsPerOctave: classes };
}
