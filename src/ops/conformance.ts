// Running conformance cases: inputs, the program for an engine, the reference's answer and its gradient, and the error between answers.
import { type DType, elementCount } from "../base/dtypes.ts";
import { hostTensor } from "../base/host-tensor.ts";
import { seeded } from "../base/random.ts";
import type { OpCase } from "./conformance-cases.ts";
import type { Program, Values } from "./program.ts";
import { type Reference, referenceOps } from "./reference.ts";

/** The inputs of a case in float64, drawn with the case's name as seed where it gives no values. */
export function caseValues(opCase: OpCase): Record<string, Reference> {
  const rng = seeded([...opCase.name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) | 0, 7));
  return Object.fromEntries(
    Object.entries(opCase.inputs).map(([name, { shape, values, range: [low, high] = [-2, 2] }]) => {
      const draw = () => Math.fround(low + (high - low) * rng());
      return [name, { shape, data: Float64Array.from(values ?? Array.from({ length: elementCount(shape) }, draw)) }];
    }),
  );
}

/** A case as a program with output `y`, and its inputs, for `Engine.prepare`. */
export function caseProgram(opCase: OpCase): { program: Program; inputs: Values } {
  const specs = Object.entries(opCase.inputs).map(
    ([name, { shape, dims, dtype = "float32" }]) => [name, { dtype: dtype as DType, shape: dims ?? shape }] as const,
  );
  const values = caseValues(opCase);
  return {
    program: {
      name: opCase.name,
      params: {},
      inputs: Object.fromEntries(specs),
      run: (ops, _, inputs) => ({ y: opCase.run(ops, inputs) }),
    },
    inputs: Object.fromEntries(specs.map(([name, { dtype }]) => [name, hostTensor(values[name]!.data, values[name]!.shape, dtype)])),
  };
}

/** The reference's answer to a case, in float64. */
export function caseAnswer(opCase: OpCase, values = caseValues(opCase)): Reference {
  return opCase.run(referenceOps, values);
}

/** Gradient of Σ seed · answer with respect to one input, by central differences in float64. */
export function caseGradient(opCase: OpCase, input: string, seed: Float64Array, step = 1e-6): Float64Array {
  const values = caseValues(opCase);
  const { shape, data } = values[input]!;
  const weighted = (changed: Float64Array) =>
    caseAnswer(opCase, { ...values, [input]: { shape, data: changed } }).data.reduce((sum, v, i) => sum + v * seed[i]!, 0);
  return data.map((value, i) => (weighted(data.with(i, value + step)) - weighted(data.with(i, value - step))) / (2 * step));
}

/** The largest difference divided by the largest magnitude of `right`, or by 1 where that is smaller. */
export function scaledError(actual: ArrayLike<number>, right: ArrayLike<number>): number {
  if (actual.length !== right.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let largest = 1;
  for (let i = 0; i < right.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i]! - right[i]!));
    largest = Math.max(largest, Math.abs(right[i]!));
    if (Number.isNaN(actual[i]!)) return Number.NaN;
  }
  return worst / largest;
}
