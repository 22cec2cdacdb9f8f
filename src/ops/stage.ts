// Stages: a model is a chain of stages, which can be cut between any two of them. Extraction up to a layer, windows over long audio, and
// training with a backward pass per stage all use such cuts. Taps give access to intermediate values by name.
import { NotFoundError } from "../base/errors.ts";
import type { Ops } from "./ops.ts";
import type { ParamSpecs, Params } from "./params.ts";
import type { Program, TensorSpec } from "./program.ts";
import type { TrainingOps } from "./training-ops.ts";

/** How many entries of each row are valid, computed by the host; masks are derived from these counts. Absent: every row is full. */
export interface Lengths<T> {
  /** Valid outputs of convolution 0, [batch] int32: the statistics of its group norm cover these only. */
  readonly windows?: T;
  /** Valid frames, [batch] int32: later frames get no attention. */
  readonly frames?: T;
}

/** Mean [batch, 1, size] and covariance [batch, size, size] of the signal windows that convolution 0 multiplies, float64. */
export interface WindowMoments<T> {
  readonly mean: T;
  readonly covariance: T;
}

/** What a run passes to its stages besides weights and input. */
export interface Context<T> {
  readonly ops: Ops<T>;
  readonly lengths?: Lengths<T>;
  /** The moments of the whole clip, where a run has a part of it, for the group norm of convolution 0. Absent: the moments of the run's input. */
  readonly moments?: WindowMoments<T>;
  /** Frames to replace with the learned mask embedding, [batch, frames] bool. */
  readonly timeMask?: T;
  /** Whether padding is treated exactly or as in transformers, where the two differ (`models/blocks/positional.ts`). Default "exact". */
  readonly padding?: "exact" | "original";
  /** Present in training only. */
  readonly train?: Training<T>;
  /** Receives intermediate values by name: hidden states, training targets, values for parity checks. */
  tap?(name: string, value: T): void;
}

/** What stages need in training: its operators, dropout probabilities (fairseq's dropout, attention_dropout, activation_dropout and
 *  dropout_input), and the gradient factor (feature_grad_mult). */
export interface Training<T> {
  readonly ops: TrainingOps<T>;
  readonly dropout: { readonly residual: number; readonly attention: number; readonly activation: number; readonly input: number };
  /** The factor by which the gradient of the convolutions' output is multiplied. */
  readonly featureGradient: number;
}

/** One link of a model's chain. */
export interface Stage {
  /** Unique in the chain; the tap of the stage's output has this name. */
  readonly name: string;
  readonly params: ParamSpecs;
  /** Names of the intermediate values that `run` gives to `tap`, in order. */
  readonly taps?: readonly string[];
  run<T>(cx: Context<T>, params: Params<T>, x: T): T;
}

/** The names of all taps of a chain, in the order in which a run computes them. */
export function tapNames(stages: readonly Stage[]): string[] {
  return stages.flatMap(({ name, taps = [] }) => [...taps, name]);
}

/** The shortest beginning of a chain that computes all of `taps`.
 *  @throws NotFoundError for a name that no stage taps. */
export function stagesUpTo(stages: readonly Stage[], taps: readonly string[]): readonly Stage[] {
  const last = taps.map((tap) => {
    const index = stages.findIndex((stage) => stage.name === tap || stage.taps?.includes(tap));
    if (index < 0) throw new NotFoundError(`No stage taps ${JSON.stringify(tap)}. The taps are ${tapNames(stages).join(", ")}.`);
    return index;
  });
  return stages.slice(0, Math.max(...last) + 1);
}

/** Runs stages in order and taps the output of each under its name. */
export function runChain<T>(stages: readonly Stage[], cx: Context<T>, params: Params<T>, x: T): T {
  return stages.reduce((value, stage) => {
    const { scope } = cx.ops;
    const out = scope ? scope.run(() => stage.run(cx, params, value)) : stage.run(cx, params, value);
    cx.tap?.(stage.name, out);
    return out;
  }, x);
}

export interface ChainOptions {
  /** The input of the first stage. */
  readonly input: TensorSpec;
  /** The taps that are the program's outputs. */
  readonly outputs: readonly string[];
  readonly padding?: "exact" | "original";
  /** Which of the optional inputs the program has. */
  readonly with?: {
    readonly windows?: boolean;
    readonly frames?: boolean;
    readonly timeMask?: boolean;
    /** The size of the windows that `mean` and `covariance` describe. */
    readonly moments?: number | undefined;
  };
}

/** A chain of stages as a program. Its inputs are `x` and those chosen in `with`: `windows`, `frames`, `timeMask`, or `mean` and `covariance`.
 *  Its outputs are named after their taps. */
export function chainProgram(name: string, stages: readonly Stage[], options: ChainOptions): Program {
  const optional = options.with ?? {};
  return {
    name,
    params: Object.assign({}, ...stages.map((stage) => stage.params)) as ParamSpecs,
    inputs: {
      x: options.input,
      ...(optional.windows && { windows: { dtype: "int32", shape: ["batch"] } }),
      ...(optional.frames && { frames: { dtype: "int32", shape: ["batch"] } }),
      ...(optional.timeMask && { timeMask: { dtype: "bool", shape: ["batch", "frames"] } }),
      ...(optional.moments && {
        mean: { dtype: "float64", shape: ["batch", 1, optional.moments] },
        covariance: { dtype: "float64", shape: ["batch", optional.moments, optional.moments] },
      }),
    },
    run<T>(ops: Ops<T>, params: Params<T>, inputs: Readonly<Record<string, T>>) {
      const { x, windows, frames, timeMask, mean, covariance } = inputs;
      const taps: Record<string, T> = {};
      const cx: Context<T> = {
        ops,
        lengths: { ...(windows !== undefined && { windows }), ...(frames !== undefined && { frames }) },
        ...(timeMask !== undefined && { timeMask }),
        ...(mean !== undefined && covariance !== undefined && { moments: { mean, covariance } }),
        padding: options.padding ?? "exact",
        tap: (tapName, value) => {
          if (options.outputs.includes(tapName)) taps[tapName] = ops.scope?.keep(value) ?? value;
        },
      };
      runChain(stages, cx, params, x!);
      return Object.fromEntries(options.outputs.map((output) => [output, taps[output]!]));
    },
  };
}
