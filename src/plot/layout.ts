// Layout: the positions of a chart's elements, computed from the width of their texts so that none overlap.
import { textWidth, widest, wrap } from "./text.ts";
import { formatNumber, linearTicks, logTicks } from "./ticks.ts";

export const sizes = { title: 15, subtitle: 11, name: 12, label: 11 } as const;

export interface Size {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** A scale along one side: numbers with round ticks, or names. */
export type Scale =
  | { readonly type: "value" | "log"; readonly low: number; readonly high: number }
  | { readonly type: "category"; readonly names: readonly string[] };

/** A scale with the labels that fit along it. */
export interface Axis {
  readonly scale: Scale;
  /** Values on the scale, or indices of names. */
  readonly ticks: readonly number[];
  readonly labels: readonly string[];
  /** Rotation of the labels in degrees. */
  readonly rotate: number;
}

export interface Layout {
  readonly title: readonly string[];
  readonly subtitle: readonly string[];
  readonly yName: readonly string[];
  /** The rectangle of the data. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
  /** Distance of the axes' names from their axes. */
  readonly xNameGap: number;
  readonly yNameGap: number;
}

export interface Parts {
  readonly title: string;
  readonly subtitle?: string;
  readonly yLabel: string;
  readonly x: Scale;
  readonly y: Scale;
  /** Pixels that a legend or colour scale takes on the right. */
  readonly aside: number;
}

const turned = 40;

/** Arranges the elements of a chart in the given size, with at least 40 pixels for the data. */
export function arrange({ title, subtitle, yLabel, x, y, aside }: Parts, { width, height }: Size): Layout {
  const titleLines = wrap(title, width - 24, sizes.title, true);
  const subtitleLines = subtitle ? wrap(subtitle, width - 24, sizes.subtitle) : [];
  const top = 12 + titleLines.length * 20 + subtitleLines.length * 15 + 12;
  // The labels of x depend on the width of the labels of y and the other way round, so two passes are made.
  let left = 70;
  let bottom = 52;
  let right = aside + 20;
  for (let pass = 0; ; pass++) {
    const inner = { width: Math.max(40, width - left - right), height: Math.max(40, height - top - bottom) };
    const yAxis = fitVertical(y, inner.height);
    const xAxis = fitHorizontal(x, inner.width);
    const yName = wrap(yLabel, inner.height + 20, sizes.name);
    const labelHeight = xAxis.rotate ? widest(xAxis.labels, sizes.label) * Math.sin((turned * Math.PI) / 180) + 12 : sizes.label + 3;
    const yNameGap = widest(yAxis.labels, sizes.label) + 16;
    if (pass === 2) {
      return {
        title: titleLines,
        subtitle: subtitleLines,
        yName,
        left,
        top,
        ...inner,
        x: xAxis,
        y: yAxis,
        xNameGap: labelHeight + 14,
        yNameGap,
      };
    }
    const overhang = xAxis.rotate ? widest(xAxis.labels.slice(0, 1), sizes.label) * Math.cos((turned * Math.PI) / 180) : 0;
    left = Math.max(yNameGap + yName.length * 15 + 8, overhang);
    bottom = labelHeight + 14 + sizes.name + 14;
    right = aside + 12 + textWidth(xAxis.rotate ? "" : (xAxis.labels.at(-1) ?? ""), sizes.label) / 2;
  }
}

/** The widest legend's width: a mark, a gap and a name that wraps beyond a third of the chart. */
export function legendNames(names: readonly string[], width: number): { texts: string[]; width: number } {
  const texts = names.map((name) => wrap(name, width / 3 - 40, sizes.label).join("\n"));
  return {
    texts,
    width:
      widest(
        texts.flatMap((text) => text.split("\n")),
        sizes.label,
      ) + 44,
  };
}

function fitVertical(scale: Scale, height: number): Axis {
  const every = (count: number) => Math.max(1, Math.ceil((count * (sizes.label + 4)) / height));
  return thin(scale, Math.max(2, Math.floor(height / 45)), every, 0);
}

function fitHorizontal(scale: Scale, width: number): Axis {
  if (scale.type === "category") {
    const level = (widest(scale.names, sizes.label) + 10) * scale.names.length <= width;
    const numeric = scale.names.every((name) => Number.isFinite(Number(name)));
    if (!level && !numeric) return thin(scale, 0, (count) => Math.ceil((count * 18) / width), turned);
  }
  const axis = thin(scale, Math.max(2, Math.floor(width / 55)), () => 1, 0);
  const every = Math.ceil(((widest(axis.labels, sizes.label) + 10) * axis.labels.length) / width);
  return thin(scale, Math.max(2, Math.floor(width / 55)), () => every, 0);
}

/** The axis with every n-th tick. */
function thin(scale: Scale, count: number, every: (count: number) => number, rotate: number): Axis {
  const all =
    scale.type === "category"
      ? scale.names.map((_, i) => i)
      : scale.type === "log"
        ? logTicks(scale.low, scale.high)
        : linearTicks(scale.low, scale.high, count);
  const step = every(all.length);
  const ticks = all.filter((_, i) => i % step === 0);
  return { scale, ticks, labels: ticks.map((tick) => (scale.type === "category" ? scale.names[tick]! : formatNumber(tick))), rotate };
}
