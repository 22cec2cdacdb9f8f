// Shape rules of the tracer: sizes are numbers, or names of sizes that only a run knows.
import { ShapeError } from "../../base/errors.ts";
import type { Dim } from "../../ops/program.ts";

/** A negative axis counts from the end. */
export function axisOf(rank: number, axis: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw new ShapeError(`Axis ${axis} does not exist in a tensor of ${rank} axes.`);
  return positive;
}

/** NumPy's broadcasting. A named size meets a number greater than 1 only where a run will make them equal. */
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

/** The size of a convolution's output, or of any count of windows. */
export function windowCount(size: number, kernel: number, stride: number): number {
  return Math.floor((size - kernel) / stride) + 1;
}

/** @throws ShapeError unless the size is a number and equals `wanted`. */
export function expectSize(found: Dim | undefined, wanted: Dim | undefined, what: string): void {
  if (typeof found === "number" && typeof wanted === "number" && found !== wanted) {
    throw new ShapeError(`${what}: found ${found}, expected ${wanted}.`);
  }
}
