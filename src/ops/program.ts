// Programs: computations with named inputs and outputs, and the interfaces through which engines run them.
import type { DType } from "../base/dtypes.ts";
import type { HostTensor } from "../base/host-tensor.ts";
import type { Ops } from "./ops.ts";
import type { ParamSpecs, Params } from "./params.ts";

/** A size that is known before a run, or the name of one that is not. */
export type Dim = number | string;

export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A computation that runs on any engine: its inputs, the weights that it needs, and the function from both to its outputs. */
export interface Program {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly params: ParamSpecs;
  run<T>(ops: Ops<T>, params: Params<T>, inputs: Readonly<Record<string, T>>): Record<string, T>;
}

/** The source of an engine's weights: a checkpoint, read by the model's names. */
export interface WeightReader {
  /** @throws NotFoundError when the checkpoint has no such tensor. */
  read(name: string): Promise<HostTensor>;
}

export type Values = Record<string, HostTensor>;

/** A program prepared on an engine. */
export interface Session {
  /** Takes and returns tensors under the program's names; outputs are float32, int32 or bool. `wanted` names the outputs that the caller reads,
   *  by default all; an engine may return more. */
  run(inputs: Values, wanted?: readonly string[]): Promise<Values>;
  dispose(): Promise<void>;
}

/** A backend that runs programs: `name` is "onnx" for ONNX Runtime, "torch" for libtorch. */
export interface Engine {
  readonly name: string;
  /** Set where every session holds weights of its own and values pass between sessions at little cost: inference then cuts a model into
   *  groups of stages with one session each, instead of preparing the whole model for each choice of layers. */
  readonly sessionHoldsWeights?: boolean;
  prepare(program: Program, weights: WeightReader): Promise<Session>;
}

/** A reader for programs without weights. */
export const noWeights: WeightReader = {
  read: (name) => Promise.reject(new Error(`The program reads the weight ${name}, but it was prepared without weights.`)),
};
