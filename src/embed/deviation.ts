// Deviation: how far windows of attention move the hidden states, as a sentence for provenance and the summary.

import type { Windowing } from "../inference/provenance.ts";
import type { WindowOptions } from "../inference/window.ts";

interface MeasuredDeviation {
  readonly windowSeconds: number;
  readonly overlapSeconds: number;
  readonly range: readonly [least: number, most: number];
}

/** Relative error of the last layer's frames, ‖windowed − whole‖ / ‖whole‖, by window and overlap in seconds: minimum and maximum over the
 *  cases of `npm run bench:windows`. They are two minutes of synthesised music (and five, for 30 s with 5 s of overlap) through random weights of
 *  the 95M shape, with diffuse attention, as before training, and with peaked attention. Trained weights were not available. */
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

/** Undefined where a clip is one window, which changes nothing. */
export function windowing(count: number, { windowSeconds, overlapSeconds = 0 }: WindowOptions): Windowing | undefined {
  return count < 2 ? undefined : { count, windowSeconds, overlapSeconds };
}

/** The entry in the provenance's `deviations`. */
export function windowDeviation(windows: Windowing): string {
  const { count, windowSeconds, overlapSeconds } = windows;
  return (
    `attention and the positional convolution saw ${count} windows of ${windowSeconds} s with ${overlapSeconds} s of overlap, one at a time; ` +
    `the other convolutions and their norm are those of the whole clip. ${measuredOf(windows)}`
  );
}

/** The deviation measured with such windows, or else with the nearest measured ones that are no longer, as a sentence. */
export function measuredOf({ windowSeconds, overlapSeconds }: Omit<Windowing, "count">): string {
  const shorter = measuredDeviations.filter((row) => row.windowSeconds <= windowSeconds);
  const longest = Math.max(...shorter.map((row) => row.windowSeconds));
  const nearest = shorter
    .filter((row) => row.windowSeconds === longest)
    .sort((a, b) => Math.abs(a.overlapSeconds - overlapSeconds) - Math.abs(b.overlapSeconds - overlapSeconds))[0];
  const least = measuredDeviations[0]!.windowSeconds;
  if (!nearest)
    return `The deviation was not measured for windows under ${least} s, where it is larger than at ${least} s (docs/guides/long-audio.md).`;
  const exact = nearest.windowSeconds === windowSeconds && nearest.overlapSeconds === overlapSeconds;
  const which = exact ? "such windows" : `windows of ${nearest.windowSeconds} s with ${nearest.overlapSeconds} s of overlap`;
  const percent = nearest.range.map((ratio) => `${Number((100 * ratio).toPrecision(2))} %`);
  return (
    `Measured with ${which}: a relative error of ${percent[0] === percent[1] ? percent[0] : percent.join(" to ")} in frames of the last layer, on ` +
    "synthesised music with random weights of the 95M shape; trained weights may differ (docs/guides/long-audio.md)"
  );
}
