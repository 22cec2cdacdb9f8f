// A model as the rest of the library sees it: a chain of stages and the arithmetic of its frames. It knows no engine.
import type { Stage } from "../ops/stage.ts";

/** A model apart from its weights: stages, sizes, and the arithmetic of its frames. */
export interface Model {
  readonly family: string;
  readonly stages: readonly Stage[];
  /** Which stage's output each entry of transformers' `hidden_states` is; layers + 1 entries. */
  readonly hiddenStates: readonly string[];
  readonly sampleRateHz: number;
  readonly layers: number;
  readonly width: number;
  /** Samples from one frame to the next. */
  readonly hopSamples: number;
  /** The fewest samples that give one frame. */
  readonly minimumSamples: number;
  /** The windows of the signal whose moments over the whole clip the group norm of convolution 0 wants; absent where no norm runs over time. */
  readonly normWindows?: { readonly size: number; readonly stride: number };
  /** Frames on either side whose samples a frame of the frontend looks at, beyond its own: the reach of a CQT. */
  readonly contextFrames: number;
  /** Frames for a number of samples. */
  frameCount(samples: number): number;
  /** Outputs of the first convolution for a number of samples. */
  windowCount(samples: number): number;
}

/** All weights a model needs, by name. */
export function modelParams(model: Model) {
  return Object.assign({}, ...model.stages.map((stage) => stage.params)) as Stage["params"];
}
