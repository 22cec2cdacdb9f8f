// Form: the order and lengths of a piece's sections, and which parts play in them.
import type { Rng } from "../base/random.ts";
import { chance, pick } from "./dice.ts";
import type { Style } from "./styles.ts";

export interface PlannedSection {
  readonly name: string;
  readonly bars: number;
}

const forms: Readonly<Record<Style["form"], readonly (readonly string[])[]>> = {
  song: [
    ["intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro"],
    ["intro", "verse", "verse", "chorus", "verse", "chorus", "solo", "chorus", "outro"],
    ["chorus", "verse", "chorus", "bridge", "verse", "chorus", "outro"],
  ],
  standard: [["intro", "verse", "verse", "bridge", "verse", "solo", "solo", "bridge", "verse", "outro"]],
  chorus: [["intro", "verse", "verse", "solo", "solo", "verse", "outro"]],
  loop: [
    ["intro", "verse", "chorus", "verse", "breakdown", "chorus", "chorus", "outro"],
    ["intro", "chorus", "verse", "breakdown", "verse", "chorus", "outro"],
  ],
  rondo: [
    ["verse", "verse", "bridge", "verse", "chorus", "verse", "outro"],
    ["verse", "chorus", "verse", "bridge", "verse", "chorus", "outro"],
  ],
};

/** Draws a form; the sections together last at least `bars`. */
export function planForm(rng: Rng, form: Style["form"], bars: number): PlannedSection[] {
  const length = form === "chorus" ? 12 : 8;
  const barsOf = (name: string) => (name === "intro" || name === "outro" || name === "breakdown" ? 4 : length);
  const [first, ...rest] = pick(rng, forms[form]);
  const plan = [first!, ...rest];
  const total = () => plan.reduce((sum, name) => sum + barsOf(name), 0);
  while (total() < bars) plan.splice(plan.length - 1, 0, ...rest.slice(0, -1)); // repeat the form before its last section
  return plan.map((name) => ({ name, bars: barsOf(name) }));
}

/** Which parts play in a section; `layers` is the number of chord layers. */
export interface Cast {
  readonly drums: boolean;
  readonly bass: boolean;
  readonly layers: number;
  readonly melody: boolean;
}

export function castOf(rng: Rng, name: string, layers: number): Cast {
  switch (name) {
    case "intro":
      return { drums: chance(rng, 0.6), bass: chance(rng, 0.5), layers: 1, melody: chance(rng, 0.3) };
    case "verse":
      return { drums: true, bass: true, layers: chance(rng, 0.5) ? layers : Math.max(1, layers - 1), melody: true };
    case "bridge":
      return { drums: chance(rng, 0.7), bass: true, layers, melody: true };
    case "breakdown":
      return { drums: chance(rng, 0.3), bass: chance(rng, 0.4), layers, melody: chance(rng, 0.6) };
    default:
      return { drums: true, bass: true, layers, melody: true };
  }
}

/** The density of a section: the piece's, scaled by the section's kind. */
export function densityOf(name: string, density: number): number {
  const factor: Readonly<Record<string, number>> = { intro: 0.8, verse: 0.9, chorus: 1.1, solo: 1.2, breakdown: 0.7 };
  return Math.min(1, density * (factor[name] ?? 1));
}
