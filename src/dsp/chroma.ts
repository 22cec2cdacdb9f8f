// Chroma: how strong each of the twelve pitch classes is, whatever its octave. The constant-Q transform folded by octaves.
//
// Which chroma MERT-v0's harmonic teacher used was never published; this one follows librosa's chroma_cqt in kind: magnitudes summed
// over octaves, each frame scaled by its largest entry.
import type { Ops } from "../ops/ops.ts";
import { type CqtOptions, cqt } from "./cqt.ts";

export interface ChromaOptions {
  readonly sampleRateHz: number;
  readonly hopSamples: number;
  /** Pitch classes: 12, or a multiple for finer ones. */
  readonly classes: number;
  readonly octaves: number;
}

/** Twelve classes over the seven octaves from C1, a frame each 320 samples. */
export function standardChroma({
  sampleRateHz,
  classes = 12,
  hopSamples = 320,
}: {
  sampleRateHz: number;
  classes?: number;
  hopSamples?: number;
}): ChromaOptions {
  return { sampleRateHz, hopSamples, classes, octaves: 7 };
}

/** Silence has no pitch: frames whose strongest class lies below this are scaled by it instead, and so stay near zero. */
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

/** The transform that is folded. */
export function chromaCqt({ sampleRateHz, hopSamples, classes, octaves }: ChromaOptions): CqtOptions {
  return { sampleRateHz, hopSamples, bins: classes * octaves, binsPerOctave: classes };
}
