// A model: a chain of stages, and the relation between its frames and samples. It depends on no engine.
import type { Stage } from "../ops/stage.ts";

/** A model without its weights. */
export interface Model {
  readonly family: string;
  readonly stages: readonly Stage[];
  /** For each entry of transformers' `hidden_states`, the stage whose output it is; layers + 1 entries. */
  readonly hiddenStates: readonly string[];
  readonly sampleRateHz: number;
  readonly layers: number;
  readonly width: number;
  /** Samples from one frame to the next. */
  readonly hopSamples: number;
  /** The smallest number of samples that gives one frame. */
  readonly minimumSamples: number;
  /** Windows of the signal whose moments over the whole clip determine the group norm of convolution 0; absent without a norm over time. */
  readonly normWindows?: { readonly size: number; readonly stride: number };
  /** Neighbouring frames on either side whose samples affect a frame of the frontend: half the length of the CQT's kernels. */
  readonly contextFrames: number;
  /** Frames for a number of samples. */
  frameCount(samples: number): number;
  /** Output frames of the first convolution for a number of samples. */
  windowCount(samples: number): number;
}

/** The specifications of all weights of a model, by name. */
export function modelParams(model: Model) {
  return Object.assign({}, ...model.stages.map((stage) => stage.params)) as Stage["params"];
}
