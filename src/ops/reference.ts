// The reference: every operator in plain loops over float64, slow and short. Engines must agree with it, and finite differences of it are the
// reference for gradients.
import { elementCount } from "../base/dtypes.ts";
import { ShapeError } from "../base/errors.ts";
import { defaultComposites } from "./composites.ts";
import type { Ops, Primitives } from "./ops.ts";

export interface Reference {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type Index = readonly number[];

/** A tensor whose entry at an index is `value(index)`. */
function build(shape: readonly number[], value: (index: Index) => number): Reference {
  const data = new Float64Array(elementCount(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = value(index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return { shape, data };
}

/** The entry at an index of a shape that `x` broadcasts to. */
function entry(x: Reference, index: Index): number {
  const skip = index.length - x.shape.length;
  let position = 0;
  x.shape.forEach((size, axis) => {
    position = position * size + (size === 1 ? 0 : index[axis + skip]!);
  });
  return x.data[position]!;
}

function broadcastShape(...shapes: (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    shapes.reduce((size, shape) => {
      const ownSize = shape[axis - rank + shape.length] ?? 1;
      if (ownSize !== size && ownSize !== 1 && size !== 1)
        throw new ShapeError(`Shapes ${shapes.map((s) => `[${s}]`).join(" and ")} do not broadcast.`);
      return ownSize === 1 ? size : ownSize;
    }, 1),
  );
}

const scalar = (value: number): Reference => ({ shape: [], data: Float64Array.of(value) });
const at = (x: Reference, axis: number): number => (axis < 0 ? axis + x.shape.length : axis);
const replaced = (index: Index, axis: number, value: number): number[] => index.with(axis, value);

function elementwise(combine: (...values: number[]) => number, ...xs: (Reference | number)[]): Reference {
  const tensors = xs.map((x) => (typeof x === "number" ? scalar(x) : x));
  return build(broadcastShape(...tensors.map((x) => x.shape)), (index) => combine(...tensors.map((x) => entry(x, index))));
}

/** Reduces an axis to size 1. */
function reduce(x: Reference, axis: number, fold: (values: number[]) => number): Reference {
  const i = at(x, axis);
  return build(replaced(x.shape, i, 1), (index) => fold(along(x, i, index)));
}

const along = (x: Reference, axis: number, index: Index): number[] =>
  Array.from({ length: x.shape[axis]! }, (_, n) => entry(x, replaced(index, axis, n)));

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** The error function: its series up to 3, its continued fraction beyond. Relative error under 1e-15. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = a;
  for (let n = 60; n >= 1; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}

const primitives: Primitives<Reference> = {
  constant: (values, shape) => ({ shape, data: Float64Array.from(values) }),
  cast: (x, dtype) => (dtype === "bool" ? elementwise((v) => Number(v !== 0), x) : /int/.test(dtype) ? elementwise(Math.trunc, x) : x),
  add: (a, b) => elementwise((p, q) => p! + q!, a, b),
  sub: (a, b) => elementwise((p, q) => p! - q!, a, b),
  mul: (a, b) => elementwise((p, q) => p! * q!, a, b),
  div: (a, b) => elementwise((p, q) => p! / q!, a, b),
  maximum: (a, b) => elementwise(Math.max, a, b),
  minimum: (a, b) => elementwise(Math.min, a, b),
  less: (a, b) => elementwise((p, q) => Number(p! < q!), a, b),
  equal: (a, b) => elementwise((p, q) => Number(p === q), a, b),
  where: (mask, a, b) => elementwise((m, p, q) => (m ? p! : q!), mask, a, b),

  sqrt: (x) => elementwise(Math.sqrt, x),
  exp: (x) => elementwise(Math.exp, x),
  log: (x) => elementwise(Math.log, x),
  abs: (x) => elementwise(Math.abs, x),
  sin: (x) => elementwise(Math.sin, x),
  cos: (x) => elementwise(Math.cos, x),
  tanh: (x) => elementwise(Math.tanh, x),
  sigmoid: (x) => elementwise((v) => 1 / (1 + Math.exp(-v)), x),
  relu: (x) => elementwise((v) => Math.max(0, v), x),
  gelu: (x) => elementwise((v) => 0.5 * v * (1 + erf(v / Math.SQRT2)), x),
  elu: (x) => elementwise((v) => (v > 0 ? v : Math.expm1(v)), x),

  sum: (x, axis) => reduce(x, axis, total),
  mean: (x, axis) => reduce(x, axis, (values) => total(values) / values.length),
  max: (x, axis) => reduce(x, axis, (values) => Math.max(...values)),
  argmin: (x, axis) =>
    primitives.squeeze(
      reduce(x, axis, (values) => values.indexOf(Math.min(...values))),
      axis,
    ),
  argmax: (x, axis) =>
    primitives.squeeze(
      reduce(x, axis, (values) => values.indexOf(Math.max(...values))),
      axis,
    ),
  softmax(x, axis) {
    const i = at(x, axis);
    return build(x.shape, (index) => {
      const line = along(x, i, index);
      const top = Math.max(...line);
      return Math.exp(entry(x, index) - top) / total(line.map((v) => Math.exp(v - top)));
    });
  },

  matmul(a, b) {
    const inner = a.shape.at(-1)!;
    const leading = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return build([...leading, a.shape.at(-2)!, b.shape.at(-1)!], (index) => {
      const [row, column] = [index.at(-2)!, index.at(-1)!];
      const lead = index.slice(0, -2);
      return total(Array.from({ length: inner }, (_, k) => entry(a, [...lead, row, k]) * entry(b, [...lead, k, column])));
    });
  },
  conv1d(x, weight, bias, { stride = 1, padding = 0, groups = 1, dilation = 1 } = {}) {
    const [batch, time] = x.shape as [number, number];
    const [out, inputs, kernel] = weight.shape as [number, number, number];
    const frames = Math.floor((time + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
    return build([batch, frames, out], ([b, t, o]) => {
      const first = Math.floor(o! / (out / groups)) * inputs;
      let sum = bias === undefined ? 0 : bias.data[o!]!;
      for (let k = 0; k < kernel; k++) {
        const sample = t! * stride + k * dilation - padding;
        if (sample < 0 || sample >= time) continue;
        for (let i = 0; i < inputs; i++) sum += entry(x, [b!, sample, first + i]) * entry(weight, [o!, i, k]);
      }
      return sum;
    });
  },
  lstm(x, { input, hidden, inputBias, hiddenBias }, state) {
    const [batch, time, inputs] = x.shape as [number, number, number];
    const width = hidden.shape[1]!;
    const output = new Float64Array(batch * time * width);
    const h = Float64Array.from(state?.hidden.data ?? new Float64Array(batch * width));
    const c = Float64Array.from(state?.cell.data ?? new Float64Array(batch * width));
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    const dot = (table: Reference, row: number, values: Float64Array, from: number, count: number) => {
      let sum = 0;
      for (let k = 0; k < count; k++) sum += table.data[row * count + k]! * values[from + k]!;
      return sum;
    };
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < time; t++) {
        const gates = Array.from(
          { length: 4 * width },
          (_, row) =>
            dot(input, row, x.data, (b * time + t) * inputs, inputs) +
            inputBias.data[row]! +
            dot(hidden, row, h, b * width, width) +
            hiddenBias.data[row]!,
        );
        for (let j = 0; j < width; j++) {
          const [i, f, g, o] = [0, 1, 2, 3].map((gate) => gates[gate * width + j]!) as [number, number, number, number];
          c[b * width + j] = sigmoid(f) * c[b * width + j]! + sigmoid(i) * Math.tanh(g);
          h[b * width + j] = sigmoid(o) * Math.tanh(c[b * width + j]!);
        }
        output.set(h.subarray(b * width, (b + 1) * width), (b * time + t) * width);
      }
    }
    return {
      output: { shape: [batch, time, width], data: output },
      hidden: { shape: [batch, width], data: h },
      cell: { shape: [batch, width], data: c },
    };
  },
  windows: (x, size, hop) =>
    build([x.shape[0]!, Math.floor((x.shape[1]! - size) / hop) + 1, size], ([b, t, k]) => entry(x, [b!, t! * hop + k!])),
  layerNorm(x, weight, bias, eps) {
    return build(x.shape, (index) => {
      const line = along(x, x.shape.length - 1, index);
      const mean = total(line) / line.length;
      const variance = total(line.map((v) => (v - mean) ** 2)) / line.length;
      const normed = (entry(x, index) - mean) / Math.sqrt(variance + eps);
      return normed * (weight?.data[index.at(-1)!] ?? 1) + (bias?.data[index.at(-1)!] ?? 0);
    });
  },
  gather: (table, indices) =>
    build([...indices.shape, ...table.shape.slice(1)], (index) => {
      const rank = indices.shape.length;
      return entry(table, [entry(indices, index.slice(0, rank)), ...index.slice(rank)]);
    }),

  swapAxes(x, a, b) {
    const [i, j] = [at(x, a), at(x, b)];
    const swap = (list: Index): number[] => list.with(i, list[j]!).with(j, list[i]!);
    return build(swap(x.shape), (index) => entry(x, swap(index)));
  },
  unsqueeze: (x, axis) => ({ shape: x.shape.toSpliced(axis < 0 ? axis + x.shape.length + 1 : axis, 0, 1), data: x.data }),
  squeeze: (x, axis) => ({ shape: x.shape.toSpliced(at(x, axis), 1), data: x.data }),
  concat(xs, axis) {
    const i = at(xs[0]!, axis);
    const sizes = xs.map((x) => x.shape[i]!);
    return build(replaced(xs[0]!.shape, i, total(sizes)), (index) => {
      let position = index[i]!;
      let which = 0;
      while (position >= sizes[which]!) position -= sizes[which++]!;
      return entry(xs[which]!, replaced(index, i, position));
    });
  },
  slice(x, axis, start, end = x.shape.at(axis)!) {
    const i = at(x, axis);
    const size = x.shape[i]!;
    const [from, to] = [start, end].map((n) => Math.min(size, Math.max(0, n < 0 ? n + size : n))) as [number, number];
    return build(replaced(x.shape, i, Math.max(0, to - from)), (index) => entry(x, replaced(index, i, index[i]! + from)));
  },
  matchLength: (x, axis, like) => primitives.slice(x, axis, 0, like.shape.at(axis)!),
  pad(x, axis, before, after, mode = "zero") {
    const i = at(x, axis);
    const size = x.shape[i]!;
    return build(replaced(x.shape, i, size + before + after), (index) => {
      let position = index[i]! - before;
      if (mode === "reflect") position = Math.abs(position) < size ? Math.abs(position) : 2 * (size - 1) - position;
      return position < 0 || position >= size ? 0 : entry(x, replaced(index, i, position));
    });
  },
  splitHeads(x, heads) {
    const [batch, time, width] = x.shape as [number, number, number];
    const d = width / heads;
    return build([batch, heads, time, d], ([b, h, t, k]) => entry(x, [b!, t!, h! * d + k!]));
  },
  mergeHeads(x) {
    const [batch, heads, time, d] = x.shape as [number, number, number, number];
    return build([batch, time, heads * d], ([b, t, k]) => entry(x, [b!, Math.floor(k! / d), t!, k! % d]));
  },
  lengthMask: (like, axis, lengths) => build([lengths.shape[0]!, like.shape.at(axis)!], ([b, t]) => Number(t! < lengths.data[b!]!)),
  sizeOf: (x, axis) => scalar(x.shape.at(axis)!),
  fixedSize: (x, axis) => x.shape.at(axis)!,
};

/** Ops with the default composites, against which the overrides of engines are tested. */
export const referenceOps: Ops<Reference> = { ...primitives, ...defaultComposites(primitives) };
