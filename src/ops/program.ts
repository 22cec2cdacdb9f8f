// Programs: a computation with named inputs and outputs, and the two contracts through which an engine runs one.
import type { DType } from "../base/dtypes.ts";
import type { HostTensor } from "../base/host-tensor.ts";
import type { Ops } from "./ops.ts";
import type { ParamSpecs, Params } from "./params.ts";

/** A size an engine knows before it sees data, or the name of one that it doesn't. */
export type Dim = number | string;

export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A computation on any engine: what it takes, what weights it needs, what it gives. */
export interface Program {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly params: ParamSpecs;
  run<T>(ops: Ops<T>, params: Params<T>, inputs: Readonly<Record<string, T>>): Record<string, T>;
}

/** Where an engine gets weights from: a checkpoint under the model's own names. */
export interface WeightReader {
  /** @throws NotFoundError when the checkpoint has no such tensor. */
  read(name: string): Promise<HostTensor>;
}

export type Values = Record<string, HostTensor>;

/** A program made ready on an engine. */
export interface Session {
  /** Inputs and outputs under the program's names; outputs are float32, int32 or bool. */
  run(inputs: Values): Promise<Values>;
  dispose(): Promise<void>;
}

/** What runs programs: ONNX Runtime or libtorch, told apart by `name`. */
export interface Engine {
  readonly name: string;
  prepare(program: Program, weights: WeightReader): Promise<Session>;
}

/** A reader for programs without weights. */
export const noWeights: WeightReader = {
  read: (name) => Promise.reject(new Error(`No weights were given, but ${name} was asked for.`)),
};
