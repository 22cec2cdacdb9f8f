// Deviation: what windows of attention change, in words that go out with the values.

import type { Windowing } from "../inference/provenance.ts";
import type { WindowOptions } from "../inference/window.ts";

interface MeasuredDeviation {
  readonly windowSeconds: number;
  readonly overlapSeconds: number;
  readonly range: readonly [least: number, most: number];
}

/** How far the last layer's frames are from those of the run of the whole, ‖windowed − whole‖ / ‖whole‖, by window and overlap in seconds: the
 *  least and the most over what `npm run check:long` measured, two minutes of synthesised music (and five, for 30 s sharing 5 s) through
 *  random weights of the 95M shape whose attention is diffuse, as it is before training, or peaked. Trained weights were not at hand. */
export const measuredDeviations: readonly MeasuredDeviation[] = [
  { windowSeconds: 10, overlapSeconds: 1, range: [0.08271, 0.44465] },
  { windowSeconds: 10, overlapSeconds: 5, range: [0.07835, 0.44445] },
  { windowSeconds: 30, overlapSeconds: 1, range: [0.06405, 0.30521] },
  { windowSeconds: 30, overlapSeconds: 5, range: [0.04926, 0.39379] },
  { windowSeconds: 30, overlapSeconds: 10, range: [0.06062, 0.30763] },
  { windowSeconds: 60, overlapSeconds: 1, range: [0.04173, 0.2109] },
  { windowSeconds: 60, overlapSeconds: 5, range: [0.04138, 0.20944] },
  { windowSeconds: 60, overlapSeconds: 10, range: [0.04144, 0.20796] },
];

/** Undefined where a clip is one window: nothing is changed then. */
export function windowing(count: number, { windowSeconds, overlapSeconds = 0 }: WindowOptions): Windowing | undefined {
  return count < 2 ? undefined : { count, windowSeconds, overlapSeconds };
}

/** What windows change, for `deviations` in the provenance. */
export function windowDeviation(windows: Windowing): string {
  const { count, windowSeconds, overlapSeconds } = windows;
  return (
    `attention and the positional convolution saw ${count} windows of ${windowSeconds} s that share ${overlapSeconds} s, one at a time; the other ` +
    `convolutions and their norm are those of the whole clip. ${measuredOf(windows)}`
  );
}

/** What was measured of such windows, or of the nearest that are no longer: a sentence for people and provenance. */
export function measuredOf({ windowSeconds, overlapSeconds }: Omit<Windowing, "count">): string {
  const shorter = measuredDeviations.filter((row) => row.windowSeconds <= windowSeconds);
  const longest = Math.max(...shorter.map((row) => row.windowSeconds));
  const nearest = shorter
    .filter((row) => row.windowSeconds === longest)
    .sort((a, b) => Math.abs(a.overlapSeconds - overlapSeconds) - Math.abs(b.overlapSeconds - overlapSeconds))[0];
  const least = measuredDeviations[0]!.windowSeconds;
  if (!nearest) return `Nothing was measured of windows under ${least} s, where it is more than at ${least} s (docs/guides/long-audio.md).`;
  const exact = nearest.windowSeconds === windowSeconds && nearest.overlapSeconds === overlapSeconds;
  const which = exact ? "such windows" : `windows of ${nearest.windowSeconds} s sharing ${nearest.overlapSeconds} s`;
  const percent = nearest.range.map((part) => `${Number((100 * part).toPrecision(2))} %`);
  return (
    `Measured with ${which}: frames of the last layer off by ${percent[0] === percent[1] ? percent[0] : percent.join(" to ")} of their length, on ` +
    "synthesised music through random weights of the 95M shape; trained weights may differ (docs/guides/long-audio.md)"
  );
}
