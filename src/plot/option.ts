// Options: a chart as an option object of ECharts, with pixel positions.
import type { Bars, Chart, Heatmap, Lines, Panels } from "./chart.ts";
import { type Axis, arrange, type Layout, legendNames, type Scale, type Size, sizes } from "./layout.ts";
import { colourIndex, colourSteps, colourTable, seriesColours, seriesSymbols } from "./palette.ts";
import { pngDataUrl } from "./png-encode.ts";
import { fontFamily, widest } from "./text.ts";
import { formatNumber, linearTicks } from "./ticks.ts";

/** An option for `setOption` of ECharts: for the charts drawn here, or for interactive charts on a page. */
export type Option = Record<string, unknown>;

/** The option that draws `chart` in the given size. */
export function toOption(chart: Exclude<Chart, Panels>, size: Size): Option {
  switch (chart.kind) {
    case "heatmap":
      return heatmapOption(chart, size);
    case "lines":
      return linesOption(chart, size);
    case "bars":
      return barsOption(chart, size);
  }
}

const ink = "#222222";
const quiet = "#666666";
const barWidth = 14;

/** The matrix is one image: with a rectangle per cell, 375 × 375 cells would be 140,000 elements of SVG. */
function heatmapOption(chart: Heatmap, size: Size): Option {
  const [low, high] = chart.range;
  const scaleTicks = linearTicks(low, high, Math.max(2, Math.floor(size.height / 60)));
  const scaleLabels = widest(scaleTicks.map(formatNumber), sizes.label);
  const aside = barWidth + scaleLabels + 34;
  const layout = arrange({ ...chart, x: cellScale(chart.xValues), y: cellScale(chart.yValues), aside }, size);
  const palette = colourTable(chart.colour);
  const [rows, columns] = [chart.yValues.length, chart.xValues.length];
  const cells = Uint8Array.from(chart.values, (value) => colourIndex(value, low, high));
  const ramp = Uint8Array.from({ length: colourSteps }, (_, i) => i);
  const frame = frameOption(chart, layout);
  const scale: Axis = { scale: { type: "value", low, high: high > low ? high : low + 1 }, ticks: scaleTicks, labels: [], rotate: 0 };
  const blank = { type: "value", min: 0, max: 1, show: false, gridIndex: 1 };
  return {
    ...frame,
    grid: [frame.grid, { ...(frame.grid as object), left: size.width - aside + 14, width: barWidth }],
    xAxis: [{ ...(frame.xAxis as object), splitLine: { show: false } }, blank],
    yAxis: [
      { ...(frame.yAxis as object), splitLine: { show: false } },
      { ...axisOption(scale), gridIndex: 1, position: "right", splitLine: { show: false } },
    ],
    series: [imageSeries(0, cells, rows, columns, palette), imageSeries(1, ramp, colourSteps, 1, palette)],
  };
}

/** A matrix of palette indices, first row at the bottom, that fills the grid of the given number. Each cell becomes a
 *  whole number of pixels, at least the grid's: a viewer that smooths images blurs an edge by less than one pixel. */
function imageSeries(index: number, cells: Uint8Array, rows: number, columns: number, palette: ReturnType<typeof colourTable>): Option {
  const renderItem = ({ coordSys }: { coordSys: { x: number; y: number; width: number; height: number } }) => {
    const across = Math.ceil(coordSys.width / columns);
    const down = Math.ceil(coordSys.height / rows);
    const [width, height] = [columns * across, rows * down];
    const pixels = new Uint8Array(width * height);
    for (let row = 0; row < rows; row++) {
      const y = (rows - 1 - row) * down;
      for (let x = 0; x < width; x++) pixels[y * width + x] = cells[row * columns + Math.floor(x / across)]!;
      for (let copy = 1; copy < down; copy++) pixels.copyWithin((y + copy) * width, y * width, (y + 1) * width);
    }
    const { x, y, width: w, height: h } = coordSys;
    return { type: "image", style: { image: pngDataUrl({ width, height, pixels, palette }), x, y, width: w, height: h } };
  };
  return { type: "custom", xAxisIndex: index, yAxisIndex: index, renderItem, data: [[0, 0]], silent: true };
}

function linesOption(chart: Lines, size: Size): Option {
  const legend =
    chart.series.length > 1
      ? legendNames(
          chart.series.map(({ name }) => name),
          size.width,
        )
      : undefined;
  const x = numberScale(
    chart.series.map((one) => one.x),
    chart.logX,
    0,
  );
  const y = numberScale(
    chart.series.map((one) => one.y),
    chart.logY,
    0.05,
  );
  const layout = arrange({ ...chart, x, y, aside: legend?.width ?? 0 }, size);
  return {
    ...frameOption(chart, layout),
    ...legendOption(legend?.texts, layout, size),
    series: chart.series.map((one, i) => ({
      type: "line",
      name: legend?.texts[i] ?? one.name,
      data: Array.from(one.x, (value, k) => [value, one.y[k]]),
      color: seriesColours[i % seriesColours.length],
      symbol: seriesSymbols[i % seriesSymbols.length],
      symbolSize: 6,
      showSymbol: one.x.length <= 40,
      lineStyle: { width: 2, type: (["solid", "dashed", "dotted"] as const)[Math.floor(i / seriesColours.length) % 3] },
      // Curves with more points than pixels keep their peaks.
      sampling: "minmax",
      silent: true,
    })),
  };
}

function barsOption(chart: Bars, size: Size): Option {
  const legend =
    chart.series.length > 1
      ? legendNames(
          chart.series.map(({ name }) => name),
          size.width,
        )
      : undefined;
  const names: Scale = { type: "category", names: chart.categories };
  const amounts = numberScale([[0], ...chart.series.map(({ values }) => values)], false, 0.08);
  const [x, y] = chart.horizontal ? [amounts, names] : [names, amounts];
  const layout = arrange({ ...chart, x, y, aside: (legend?.width ?? 0) + (chart.horizontal ? 12 : 0) }, size);
  const frame = frameOption(chart, layout);
  const few =
    chart.categories.length * chart.series.length * (chart.horizontal ? 16 : 44) <= (chart.horizontal ? layout.height : layout.width);
  return {
    ...frame,
    ...(chart.horizontal && { yAxis: { ...(frame.yAxis as object), inverse: true } }),
    ...legendOption(legend?.texts, layout, size),
    series: chart.series.map(({ name, values }, i) => ({
      type: "bar",
      name: legend?.texts[i] ?? name,
      data: Array.from(values, (value) => (Number.isNaN(value) ? "-" : value)),
      color: seriesColours[i % seriesColours.length],
      barCategoryGap: "30%",
      barMaxWidth: 60,
      label: {
        show: few,
        position: chart.horizontal ? "right" : "top",
        distance: 3,
        fontSize: 10,
        color: ink,
        formatter: ({ value }: { value: number | "-" }) => (value === "-" ? "" : formatNumber(Number(value.toPrecision(3)))),
      },
      silent: true,
    })),
  };
}

/** Title, axes and the rectangle between them. */
function frameOption({ xLabel }: { xLabel: string }, layout: Layout): Option {
  const { left, top, width, height, x, y } = layout;
  const name = { nameLocation: "middle", nameTextStyle: { fontSize: sizes.name, color: ink, lineHeight: 15 } };
  return {
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily },
    title: {
      text: layout.title.join("\n"),
      subtext: layout.subtitle.join("\n"),
      left: 12,
      top: 12,
      padding: 0,
      itemGap: 4,
      textStyle: { fontSize: sizes.title, fontWeight: "bold", color: ink, lineHeight: 20 },
      subtextStyle: { fontSize: sizes.subtitle, color: quiet, lineHeight: 15 },
    },
    grid: { left, top, width, height, containLabel: false, outerBoundsMode: "none" },
    xAxis: { ...axisOption(x), ...name, name: xLabel, nameGap: layout.xNameGap },
    yAxis: { ...axisOption(y), ...name, name: layout.yName.join("\n"), nameGap: layout.yNameGap, nameRotate: 90 },
  };
}

function axisOption({ scale, ticks, rotate }: Axis): Option {
  const common = { axisLine: { show: true, lineStyle: { color: quiet }, onZero: false } };
  const label = { fontSize: sizes.label, color: ink, rotate, margin: 8 };
  if (scale.type === "category") {
    const shown = new Set(ticks);
    const interval = (index: number) => shown.has(index);
    return {
      ...common,
      type: "category",
      data: scale.names,
      axisTick: { show: true, alignWithLabel: true, interval, lineStyle: { color: quiet } },
      axisLabel: { ...label, interval },
    };
  }
  return {
    ...common,
    type: scale.type,
    min: scale.low,
    max: scale.high,
    axisTick: { show: true, customValues: ticks, lineStyle: { color: quiet } },
    axisLabel: { ...label, customValues: ticks, formatter: (value: number) => formatNumber(value) },
    splitLine: { show: true, lineStyle: { color: "#e5e5e5" } },
  };
}

function legendOption(texts: readonly string[] | undefined, layout: Layout, size: Size): Option {
  if (!texts) return {};
  const textStyle = { fontSize: sizes.label, color: ink, lineHeight: 14 };
  const { width } = legendNames(texts, size.width);
  return {
    legend: {
      data: texts,
      orient: "vertical",
      left: size.width - width,
      top: layout.top,
      padding: 0,
      itemGap: 8,
      itemWidth: 22,
      itemHeight: 10,
      textStyle,
    },
  };
}

/** Columns or rows of a matrix: many evenly spaced numbers make a numeric scale, anything else a scale of names. */
function cellScale(values: ArrayLike<number> | readonly string[]): Scale {
  const list = Array.from<number | string>(values);
  const [first, last] = [list[0], list.at(-1)];
  if (list.length > 12 && typeof first === "number" && typeof last === "number") {
    const step = (last - first) / (list.length - 1);
    const even = step > 0 && list.every((value, i) => Math.abs(Number(value) - first - i * step) < 0.01 * step);
    if (even) return { type: "value", low: first - step / 2, high: last + step / 2 };
  }
  return { type: "category", names: list.map((value) => (typeof value === "number" ? formatNumber(value) : value)) };
}

/** A scale around all finite values, widened by the fraction `pad` at the ends that are not zero. */
function numberScale(lists: readonly ArrayLike<number>[], log: boolean, pad: number): Scale {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const list of lists) {
    for (const value of Array.from(list)) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) [low, high] = log ? [0.1, 10] : [0, 1];
  if (log) {
    const factor = high > low ? (high / low) ** pad : 2;
    return { type: "log", low: low / factor, high: high * factor };
  }
  const margin = high > low ? (high - low) * pad : Math.abs(low) / 10 || 1;
  return { type: "value", low: low === 0 ? 0 : low - margin, high: high === 0 && low < 0 ? 0 : high + margin };
}
