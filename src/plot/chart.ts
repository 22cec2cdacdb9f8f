// Charts as plain values. svg.ts and png.node.ts draw them.
import { ConfigError, ShapeError } from "../base/errors.ts";
import type { ColourMap } from "./palette.ts";

interface Labels {
  readonly title: string;
  /** A line under the title: provenance, units, sample size. */
  readonly subtitle?: string;
  readonly xLabel: string;
  readonly yLabel: string;
}

export interface HeatmapOptions extends Labels {
  /** The columns: numbers or names. */
  readonly xValues: ArrayLike<number> | readonly string[];
  /** The rows, the first at the bottom: numbers or names. */
  readonly yValues: ArrayLike<number> | readonly string[];
  /** Row-major, [rows, columns]. NaN is drawn grey. */
  readonly values: Float32Array;
  /** Values at the ends of the colour scale; default the smallest and largest value, or ± the greatest magnitude for "diverging". */
  readonly range?: readonly [low: number, high: number];
  /** "viridis" for amounts, "diverging" for values on both sides of zero. */
  readonly colour?: ColourMap;
}

export interface Series {
  readonly name: string;
  readonly x: ArrayLike<number>;
  /** As long as x. NaN leaves a gap. */
  readonly y: ArrayLike<number>;
}

export interface LinesOptions extends Labels {
  readonly series: readonly Series[];
  /** Logarithmic axes; default false. */
  readonly logX?: boolean;
  readonly logY?: boolean;
}

export interface BarsOptions extends Labels {
  readonly categories: readonly string[];
  /** Each has one bar per category; NaN leaves a gap. */
  readonly series: readonly { readonly name: string; readonly values: ArrayLike<number> }[];
  /** Horizontal bars, for long category names; the first is on top. Default false. */
  readonly horizontal?: boolean;
}

export interface PanelsOptions {
  readonly columns: number;
  /** Filled row by row; all have the same size. */
  readonly charts: readonly Chart[];
}

type Defaulted<O, K extends keyof O> = O & Required<Pick<O, K>>;

export type Heatmap = { readonly kind: "heatmap" } & Defaulted<HeatmapOptions, "range" | "colour">;
export type Lines = { readonly kind: "lines" } & Defaulted<LinesOptions, "logX" | "logY">;
export type Bars = { readonly kind: "bars" } & Defaulted<BarsOptions, "horizontal">;
export type Panels = { readonly kind: "panels" } & PanelsOptions;
export type Chart = Heatmap | Lines | Bars | Panels;

/** A matrix as colours. @throws ShapeError when the values do not fill rows × columns. */
export function heatmap({ colour = "viridis", range, ...rest }: HeatmapOptions): Heatmap {
  const [rows, columns] = [rest.yValues.length, rest.xValues.length];
  if (rest.values.length !== rows * columns || rest.values.length === 0) {
    throw new ShapeError(`"${rest.title}": ${rest.values.length} values do not fill ${rows} rows (yValues) of ${columns} (xValues).`);
  }
  return { kind: "heatmap", ...rest, colour, range: range ?? valueRange(rest.values, colour) };
}

/** Curves over numbers. @throws ShapeError when x and y differ in length, ConfigError for values a logarithmic axis can't show. */
export function lines({ logX = false, logY = false, ...rest }: LinesOptions): Lines {
  if (rest.series.length === 0) throw new ConfigError(`"${rest.title}" has no series: give at least one.`);
  for (const { name, x, y } of rest.series) {
    if (x.length !== y.length)
      throw new ShapeError(`Series "${name}" of "${rest.title}" has ${x.length} x values and ${y.length} y values.`);
    for (const [axis, values, log] of [["x", x, logX] as const, ["y", y, logY] as const]) {
      if (log && Array.from(values).some((value) => value <= 0)) {
        throw new ConfigError(`Series "${name}" of "${rest.title}" has ${axis} values of 0 or less, which a logarithmic axis can't show.`);
      }
    }
  }
  return { kind: "lines", ...rest, logX, logY };
}

/** Bars by category, from zero. @throws ShapeError when a series doesn't have one value per category. */
export function bars({ horizontal = false, ...rest }: BarsOptions): Bars {
  if (rest.series.length === 0) throw new ConfigError(`"${rest.title}" has no series: give at least one.`);
  for (const { name, values } of rest.series) {
    if (values.length !== rest.categories.length) {
      throw new ShapeError(`Series "${name}" of "${rest.title}" has ${values.length} values for ${rest.categories.length} categories.`);
    }
  }
  return { kind: "bars", ...rest, horizontal };
}

/** Several charts in a grid. @throws ConfigError for less than one column or chart. */
export function panels({ columns, charts }: PanelsOptions): Panels {
  if (!Number.isInteger(columns) || columns < 1) throw new ConfigError(`columns is ${columns}: it must be a whole number from 1.`);
  if (charts.length === 0) throw new ConfigError("A grid of panels needs at least one chart.");
  return { kind: "panels", columns, charts };
}

function valueRange(values: Float32Array, colour: ColourMap): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  if (colour === "viridis") return [low, high];
  const most = Math.max(Math.abs(low), Math.abs(high));
  return [-most, most];
}
