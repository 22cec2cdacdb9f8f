// Layers: the specification of weights and their use as one value, so that each weight's name is written once.
import type { Activation, Ops } from "../../ops/ops.ts";
import { type ParamSpec, type ParamSpecs, type Params, param } from "../../ops/params.ts";

/** A function of one tensor with weights of its own. */
export interface Layer {
  readonly params: ParamSpecs;
  apply<T>(ops: Ops<T>, params: Params<T>, x: T): T;
}

/** The weights of several layers together. */
export const paramsOf = (...layers: readonly Layer[]): ParamSpecs => Object.assign({}, ...layers.map(({ params }) => params));

export interface LinearOptions {
  /** How fresh weights are drawn; default: weights from a normal distribution of deviation 0.02, biases zero, as transformers does. */
  readonly weight?: ParamSpec;
  readonly bias?: ParamSpec;
  /** Applied to the result; default none. */
  readonly activation?: Activation;
}

/** x [..., inputs] → activation(x · weightᵀ + bias) [..., outputs]. */
export function linear(path: string, inputs: number, outputs: number, options: LinearOptions = {}): Layer {
  const { weight = param.normal(0.02, outputs, inputs), bias = param.zeros(outputs), activation } = options;
  return {
    params: { [`${path}.weight`]: weight, [`${path}.bias`]: bias },
    apply: (ops, params, x) => ops.linear(x, params.get(`${path}.weight`), params.get(`${path}.bias`), activation),
  };
}

/** Layer norm over the last axis: x [..., width] → the same shape. */
export function layerNorm(path: string, width: number, eps: number): Layer {
  return {
    params: { [`${path}.weight`]: param.ones(width), [`${path}.bias`]: param.zeros(width) },
    apply: (ops, params, x) => ops.layerNorm(x, params.get(`${path}.weight`), params.get(`${path}.bias`), eps),
  };
}
