// Shape inference of the tracer. A size is a number, or the name of a size that is known only when the graph runs.
import { ShapeError } from "../../base/errors.ts";
import type { Dim } from "../../ops/program.ts";

/** The axis as a number from 0; negative axes count from the end. */
export function axisOf(rank: number, axis: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw new ShapeError(`Axis ${axis} does not exist in a tensor of ${rank} axes.`);
  return positive;
}

/** NumPy's broadcasting. Where a named size meets a number greater than 1, the two are taken to be equal at run time. */
export function broadcast(a: readonly Dim[], b: readonly Dim[], operation: string): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === 1) return y;
    if (y === 1 || x === y) return x;
    if (typeof x === "number" && typeof y === "number") {
      throw new ShapeError(`${operation}: [${a.join(", ")}] and [${b.join(", ")}] do not broadcast.`);
    }
    return typeof x === "number" ? x : y;
  });
}

export function replaced(shape: readonly Dim[], axis: number, size: Dim): Dim[] {
  return shape.map((d, i) => (i === axis ? size : d));
}

export function without(shape: readonly Dim[], axis: number): Dim[] {
  return shape.filter((_, i) => i !== axis);
}

/** How many windows of `kernel` entries fit, `stride` apart: the output size of a convolution. */
export function windowCount(size: number, kernel: number, stride: number): number {
  return Math.floor((size - kernel) / stride) + 1;
}

/** @throws ShapeError where both sizes are numbers and differ. */
export function expectSize(actual: Dim | undefined, expected: Dim | undefined, what: string): void {
  if (typeof actual === "number" && typeof expected === "number" && actual !== expected) {
    throw new ShapeError(`${what}: found ${actual}, expected ${expected}.`);
  }
}

/** The size that `Ops.slice` leaves of an axis; undefined where only a run knows it. */
export function sliceSize(size: Dim, start: number, end: number): number | undefined {
  if (typeof size !== "number") return start >= 0 && end >= 0 && end < Number.MAX_SAFE_INTEGER ? end - start : undefined;
  const clamp = (position: number) => Math.min(size, Math.max(0, position < 0 ? position + size : position));
  return Math.max(0, clamp(end) - clamp(start));
}
