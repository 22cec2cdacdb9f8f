// Label crops: the label frames of a batch's crops, aligned as in fairseq's HuBERT.
import { ConfigError } from "../../base/errors.ts";
import { roundHalfEven } from "../../base/rounding.ts";

export interface LabelCropInput {
  readonly sampleRateHz: number;
  /** Label frames a second. */
  readonly rateHz: number;
  /** Length of the crops. */
  readonly samples: number;
  /** First sample of each crop. */
  readonly starts: readonly number[];
  /** Label frames of each clip. */
  readonly frames: readonly number[];
}

export interface LabelCrop {
  /** First label frame of each crop: its first sample in frames, rounded half to even. */
  readonly starts: readonly number[];
  /** Label frames of every crop: the crops' length in frames, or fewer where a clip's labels end earlier. */
  readonly frames: number;
}

/** Aligns label frames with crops (fairseq, hubert_dataset.py, collater_frm_label).
 *  @throws ConfigError when a clip's labels end before its crop begins. */
export function cropLabels({ sampleRateHz, rateHz, samples, starts, frames }: LabelCropInput): LabelCrop {
  const ratio = rateHz / sampleRateHz;
  const first = starts.map((start) => roundHalfEven(start * ratio));
  const left = first.map((start, i) => frames[i]! - start);
  const short = left.findIndex((count) => count <= 0);
  if (short >= 0) {
    throw new ConfigError(
      `A crop begins at sample ${starts[short]}, label frame ${first[short]}, but its clip has ${frames[short]} label frames: these labels were made from other audio. Label again.`,
    );
  }
  return { starts: first, frames: Math.min(roundHalfEven(samples * ratio), ...left) };
}
