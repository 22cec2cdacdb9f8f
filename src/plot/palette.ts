// Palette: colours that are distinguishable in print and with colour blindness.

export type Rgb = readonly [red: number, green: number, blue: number];

/** Viridis (matplotlib, CC0), at nine evenly spaced points: perceptually even and rising in lightness. */
const viridis: readonly Rgb[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];

/** Blue through white to red (ColorBrewer's RdBu): zero in the middle. */
const diverging: readonly Rgb[] = [
  [33, 102, 172],
  [103, 169, 207],
  [209, 229, 240],
  [247, 247, 247],
  [253, 219, 199],
  [239, 138, 98],
  [178, 24, 43],
];

const anchors = { viridis, diverging } as const;

export type ColourMap = keyof typeof anchors;

/** Number of steps of a colour table; the entry after the last is for values that are missing. */
export const colourSteps = 255;

const missing: Rgb = [190, 190, 190];

/** `colourSteps` colours from low to high, and grey for NaN. */
export function colourTable(map: ColourMap): Rgb[] {
  const points = anchors[map];
  const table = Array.from({ length: colourSteps }, (_, i): Rgb => {
    const at = (i / (colourSteps - 1)) * (points.length - 1);
    const low = points[Math.floor(at)]!;
    const high = points[Math.ceil(at)]!;
    const mix = (channel: 0 | 1 | 2) => Math.round(low[channel] + (high[channel] - low[channel]) * (at % 1));
    return [mix(0), mix(1), mix(2)];
  });
  return [...table, missing];
}

/** The entry of a colour table for `value` in [low, high]; values outside are clamped. */
export function colourIndex(value: number, low: number, high: number): number {
  if (Number.isNaN(value)) return colourSteps;
  const at = high > low ? (value - low) / (high - low) : 0.5;
  return Math.round(Math.min(1, Math.max(0, at)) * (colourSteps - 1));
}

/** Colours of series (Okabe & Ito, "Color universal design", 2008), darkest contrasts first. */
export const seriesColours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F"] as const;

/** Symbols that distinguish series without colour, by ECharts' names. */
export const seriesSymbols = [
  "circle",
  "rect",
  "triangle",
  "diamond",
  "emptyCircle",
  "emptyRect",
  "emptyTriangle",
  "emptyDiamond",
] as const;
