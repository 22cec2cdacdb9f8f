// Params: what weights a stage needs, by the checkpoint's own names, and how fresh ones are drawn.
import { elementCount } from "../base/dtypes.ts";
import { ShapeError } from "../base/errors.ts";
import { fillGaussian, type Rng } from "../base/random.ts";

/** How a fresh weight is drawn. */
export type Init = { readonly constant: number } | { readonly normal: number } | { readonly uniform: readonly [low: number, high: number] };

export interface ParamSpec {
  readonly shape: readonly number[];
  readonly init: Init;
}

/** Full weight names, as the checkpoint spells them, to their shapes. */
export type ParamSpecs = Readonly<Record<string, ParamSpec>>;

export const param = {
  zeros: (...shape: number[]): ParamSpec => ({ shape, init: { constant: 0 } }),
  ones: (...shape: number[]): ParamSpec => ({ shape, init: { constant: 1 } }),
  normal: (std: number, ...shape: number[]): ParamSpec => ({ shape, init: { normal: std } }),
  uniform: (bound: number, ...shape: number[]): ParamSpec => ({ shape, init: { uniform: [-bound, bound] } }),
} as const;

/** The weights as tensors of an engine, looked up by path: `p.at("encoder.layers.0").get("fc1.weight")`. */
export interface Params<T> {
  /** @throws NotFoundError where the name is not one of the program's specs. */
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

/** Draws fresh values for a spec. */
export function initialise({ shape, init }: ParamSpec, rng: Rng): Float32Array {
  const values = new Float32Array(elementCount(shape));
  if ("constant" in init) return values.fill(init.constant);
  if ("normal" in init) return fillGaussian(rng, values, init.normal);
  const [low, high] = init.uniform;
  for (let i = 0; i < values.length; i++) values[i] = low + (high - low) * rng();
  return values;
}

/** @throws ShapeError when a checkpoint's tensor is not of the shape the configuration asks for. */
export function checkShape(name: string, found: readonly number[], wanted: readonly number[]): void {
  if (found.length !== wanted.length || found.some((n, i) => n !== wanted[i])) {
    throw new ShapeError(
      `${name} is [${found.join(", ")}], the config asks for [${wanted.join(", ")}]. Load it with the config.json that lies beside it.`,
    );
  }
}
