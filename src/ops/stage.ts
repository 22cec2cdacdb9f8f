// Stages: a model is a chain of them, and the chain may be cut at every edge. The one cut serves extraction up to a layer,
// windows over long audio, and training that walks backward a stage at a time.
import type { Ops } from "./ops.ts";
import type { ParamSpecs, Params } from "./params.ts";
import type { Program, TensorSpec } from "./program.ts";
import type { TrainingOps } from "./training-ops.ts";

/** How much of each row is real. Masks derive from these counts; the host computes them. Absent: every row is full. */
export interface Lengths<T> {
  /** Valid outputs of convolution 0, [batch] int32: its group norm's statistics cover these alone. */
  readonly windows?: T;
  /** Valid frames, [batch] int32: later ones get no attention. */
  readonly frames?: T;
}

/** Mean [batch, 1, size] and covariance [batch, size, size] of the windows of a signal that convolution 0 sees, float64. */
export interface WindowMoments<T> {
  readonly mean: T;
  readonly covariance: T;
}

export interface Context<T> {
  readonly ops: Ops<T>;
  readonly lengths?: Lengths<T>;
  /** The whole clip's, for a run that sees a part of it: so the group norm of convolution 0 is that of the clip. Absent: the run's own. */
  readonly moments?: WindowMoments<T>;
  /** Frames to replace by the learned mask embedding, [batch, frames] bool. */
  readonly timeMask?: T;
  /** Padding as transformers treats it, where that differs from the exact batch (see `models/blocks/positional.ts`). */
  readonly padding?: "exact" | "original";
  /** What training adds; absent at inference. */
  readonly train?: Training<T>;
  /** Shows intermediate values by name: hidden states, training targets, parity diffs. */
  tap?(name: string, value: T): void;
}

/** Training's own tools inside a stage, and how much is dropped where (fairseq's names: dropout, attention_dropout, activation_dropout,
 *  dropout_input; feature_grad_mult). */
export interface Training<T> {
  readonly ops: TrainingOps<T>;
  readonly dropout: { readonly residual: number; readonly attention: number; readonly activation: number; readonly input: number };
  /** The factor on the gradient that reaches the convolutions. */
  readonly featureGradient: number;
}

export interface Stage {
  readonly name: string;
  readonly params: ParamSpecs;
  run<T>(cx: Context<T>, params: Params<T>, x: T): T;
}

/** Runs stages in order, tapping each stage's output under its name. */
export function runChain<T>(stages: readonly Stage[], cx: Context<T>, params: Params<T>, x: T): T {
  return stages.reduce((value, stage) => {
    const { scope } = cx.ops;
    const out = scope ? scope.run(() => stage.run(cx, params, value)) : stage.run(cx, params, value);
    cx.tap?.(stage.name, out);
    return out;
  }, x);
}

export interface ChainOptions {
  /** What the first stage takes. */
  readonly input: TensorSpec;
  /** Names of the taps to give out. */
  readonly outputs: readonly string[];
  readonly padding?: "exact" | "original";
  /** Which of the optional inputs the program has. */
  readonly with?: {
    readonly windows?: boolean;
    readonly frames?: boolean;
    readonly timeMask?: boolean;
    /** The size of the windows whose `mean` and `covariance` are given. */
    readonly moments?: number | undefined;
  };
}

/** A chain of stages as a program: inputs `x`, and where asked for `windows`, `frames`, `timeMask`, or `mean` and `covariance`; outputs by
 *  tap name. */
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
