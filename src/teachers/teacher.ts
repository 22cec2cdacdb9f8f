// Teachers: they turn audio into the codes that pre-training predicts.
import type { Codes } from "../inference/encodec.ts";

/** Gives codes to a waveform's frames. */
export interface Teacher {
  /** The teacher with its settings, in one line: for stamps and reports. */
  readonly name: string;
  readonly codebooks: number;
  /** Entries of each codebook: codes are 0 to codebookSize - 1. */
  readonly codebookSize: number;
  readonly sampleRateHz: number;
  /** Frames a second. */
  readonly rateHz: number;
  /** Frames for a number of samples. */
  frameCount(samples: number): number;
  /** Mono waveforms at `sampleRateHz` → codes, in the order given. @throws TooShortError for a clip without a frame. */
  encode(waveforms: readonly Float32Array[]): Promise<Codes[]>;
  dispose(): Promise<void>;
}

/** A teacher, and the SHA-256 of its codebooks or weights. */
export interface StampedTeacher {
  readonly teacher: Teacher;
  readonly hash: string;
}
