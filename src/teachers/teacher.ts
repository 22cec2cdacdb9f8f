// Teachers: what turns sound into the codes that pre-training predicts.
import type { Codes } from "../inference/encodec.ts";

/** What gives codes to a waveform's frames. */
export interface Teacher {
  /** What made the codes, in a line: for stamps and reports. */
  readonly name: string;
  readonly codebooks: number;
  /** Codes of each codebook: values lie from 0 up to it. */
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
