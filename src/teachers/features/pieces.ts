// Pieces of a waveform whose frames are computed one piece after another, so that memory doesn't grow with the clip.
import { TooShortError } from "../../base/errors.ts";

/** How frames lie on samples, and how many samples they depend on. */
export interface Framing {
  readonly hopSamples: number;
  /** Samples of the frame that begins at t · hop; 0 where frames are centred there and the ends of the clip are padded. */
  readonly frameSamples: number;
  /** Frames on each side that a piece must include for its own to be as in one run. */
  readonly contextFrames: number;
}

/** A piece: which samples to compute, and which of the resulting frames are the piece's own. */
export interface Piece {
  readonly samples: Float32Array;
  /** Frames that `samples` give. */
  readonly frames: number;
  /** Leading frames that are context. */
  readonly skip: number;
  /** Frames of the piece. */
  readonly count: number;
}

/** Cuts a waveform of `total` frames into pieces of at most `pieceFrames`, each with the context that its frames need.
 *  @throws TooShortError where there is no frame. */
export function* pieces(framing: Framing, waveform: Float32Array, total: number, pieceFrames: number): Generator<Piece> {
  const { hopSamples, frameSamples, contextFrames } = framing;
  if (total <= 0) {
    throw new TooShortError(
      `The clip has ${waveform.length} samples; one frame needs ${Math.max(1, frameSamples)}. Give a longer clip, or leave this one out.`,
    );
  }
  for (let start = 0; start < total; start += pieceFrames) {
    const end = Math.min(total, start + pieceFrames);
    const from = Math.max(0, start - contextFrames);
    const to = Math.min(total, end + contextFrames);
    const isLastCentred = frameSamples === 0 && to === total;
    const samples = waveform.subarray(from * hopSamples, isLastCentred ? waveform.length : (to - 1) * hopSamples + frameSamples);
    yield { samples, frames: to - from, skip: start - from, count: end - start };
  }
}
