// Deviation: what windows of attention change, in words that go out with the values.
import type { WindowOptions } from "../inference/window.ts";
import type { Windowing } from "./provenance.ts";

/** Undefined where a clip is one window: nothing is changed then. */
export function windowing(count: number, { windowSeconds, overlapSeconds = 0 }: WindowOptions): Windowing | undefined {
  return count < 2 ? undefined : { count, windowSeconds, overlapSeconds };
}

/** What windows change, for `deviations` in the provenance. */
export function windowDeviation({ count, windowSeconds, overlapSeconds }: Windowing): string {
  return (
    `attention and the positional convolution saw ${count} windows of ${windowSeconds} s that share ${overlapSeconds} s, one at a time; the other ` +
    "convolutions and their norm are those of the whole clip"
  );
}
