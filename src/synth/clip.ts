// Clips: excerpts of pieces, each decided by the corpus' seed and the clip's number alone: planned in a millisecond (labels), then rendered.

import type { Waveform } from "../audio/waveform.ts";
import type { Rng } from "../base/random.ts";
import { compose } from "./compose.ts";
import { seededBy } from "./dice.ts";
import type { Split } from "./harmony.ts";
import { type ClipLabel, labelOf } from "./label.ts";
import { finishMix, makeBus, mixKit, mixPart } from "./mixdown.ts";
import { record } from "./recording.ts";
import { type StyleName, styleNames } from "./styles.ts";
import { perform, type Take } from "./take.ts";

/** Version of the generator: the same version, seed, number, length and rate give the same bytes. Frozen: results are compared by it, so
 *  whatever changes a sample or a label must raise it. */
export const synthVersion = 1;

export interface ClipOptions {
  readonly seed: number;
  /** The clip's number in its corpus; decides split and style. */
  readonly index: number;
  readonly seconds: number;
  readonly sampleRateHz: number;
}

/** Six of eight clips train, one valid, one test. */
export function splitOf(index: number): Split {
  const slot = index % 8;
  return slot < 6 ? "train" : slot === 6 ? "valid" : "test";
}

/** Every split meets all styles alike within each eighty clips. */
export function styleOf(index: number): StyleName {
  return styleNames[((index % 8) * 3 + Math.floor(index / 8)) % styleNames.length]!;
}

export interface PlannedClip {
  readonly take: Take;
  readonly label: ClipLabel;
  /** Stereo. */
  render(): Waveform;
}

/** Plans a clip; nothing sounds before `render`. */
export function planClip(options: ClipOptions): PlannedClip {
  const { seed, index, seconds, sampleRateHz } = options;
  const name = ["clip", synthVersion, seed, index, seconds] as const;
  const rng = seededBy(...name, "score");
  const [style, split] = [styleOf(index), splitOf(index)];
  const score = compose(rng, { style, split, seconds: Math.max(75, 1.5 * seconds) });
  const take = perform(seededBy(...name, "performance"), score, { seconds });
  return {
    take,
    label: labelOf(take, { ...options, version: synthVersion }),
    render: () => render(seededBy(...name, "render"), take, sampleRateHz),
  };
}

/** The sound of a take: stereo, exactly its seconds. */
export function render(rng: Rng, take: Take, sampleRateHz: number): Waveform {
  const bus = makeBus(Math.round(take.seconds * sampleRateHz), sampleRateHz);
  for (const [i, part] of take.score.parts.entries()) mixPart(bus, part, take.notes[i]!, rng);
  if (take.score.kit) mixKit(bus, take.score.kit, take.hits);
  finishMix(bus, take.room, take.compression);
  record(rng, bus, take.recording);
  return { sampleRateHz, channels: [bus.left, bus.right] };
}
