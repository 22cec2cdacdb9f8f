// Params: the weights that a stage needs, under the checkpoint's names, and the initialisation of new ones.
import { elementCount } from "../base/dtypes.ts";
import { ShapeError } from "../base/errors.ts";
import { fillGaussian, type Rng } from "../base/random.ts";

/** The distribution of a new weight; `normal` gives its standard deviation. */
export type Init = { readonly constant: number } | { readonly normal: number } | { readonly uniform: readonly [low: number, high: number] };

export interface ParamSpec {
  readonly shape: readonly number[];
  readonly init: Init;
}

/** Specifications by full weight name, as in the checkpoint. */
export type ParamSpecs = Readonly<Record<string, ParamSpec>>;

export const param = {
  zeros: (...shape: number[]): ParamSpec => ({ shape, init: { constant: 0 } }),
  ones: (...shape: number[]): ParamSpec => ({ shape, init: { constant: 1 } }),
  normal: (std: number, ...shape: number[]): ParamSpec => ({ shape, init: { normal: std } }),
  uniform: (bound: number, ...shape: number[]): ParamSpec => ({ shape, init: { uniform: [-bound, bound] } }),
} as const;

/** Weights as tensors of an engine, looked up by path: `p.at("encoder.layers.0").get("fc1.weight")`. */
export interface Params<T> {
  /** @throws NotFoundError where the program declares no such weight. */
  get(name: string): T;
  at(prefix: string): Params<T>;
}

/** Params over a lookup by full name. */
export function paramsFrom<T>(lookup: (name: string) => T, prefix = ""): Params<T> {
  return {
    get: (name) => lookup(prefix + name),
    at: (path) => paramsFrom(lookup, `${prefix}${path}.`),
  };
}

/** Draws values for a new weight. */
export function initialise({ shape, init }: ParamSpec, rng: Rng): Float32Array {
  const values = new Float32Array(elementCount(shape));
  if ("constant" in init) return values.fill(init.constant);
  if ("normal" in init) return fillGaussian(rng, values, init.normal);
  const [low, high] = init.uniform;
  for (let i = 0; i < values.length; i++) values[i] = low + (high - low) * rng();
  return values;
}

/** @throws ShapeError when a tensor of the checkpoint does not have the shape that the configuration gives. */
export function checkShape(name: string, actual: readonly number[], expected: readonly number[]): void {
  if (actual.length !== expected.length || actual.some((size, i) => size !== expected[i])) {
    throw new ShapeError(
      `${name} is [${actual.join(", ")}], the config asks for [${expected.join(", ")}]. Load it with the config.json that lies beside it.`,
    );
  }
}
