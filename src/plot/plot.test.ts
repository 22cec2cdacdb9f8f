import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzlibSync } from "fflate";
import { expect, test } from "vitest";
import { ConfigError, ShapeError } from "../base/errors.ts";
import { bars, heatmap, lines, panels } from "./chart.ts";
import { arrange, sizes } from "./layout.ts";
import { colourIndex, colourSteps, colourTable } from "./palette.ts";
import { renderPng, writePng, writeSvg } from "./png.node.ts";
import { encodePng } from "./png-encode.ts";
import { renderSvg } from "./svg.ts";
import { textWidth, wrap } from "./text.ts";
import { formatNumber, linearTicks, logTicks } from "./ticks.ts";

const labels = { title: "Title of the chart", xLabel: "layer", yLabel: "score" };
const curve = lines({ ...labels, series: [{ name: "one", x: [0, 1, 2, 3], y: [1, 2, Number.NaN, 4] }] });
const matrix = (rows: number, columns: number) =>
  heatmap({
    ...labels,
    xValues: Float32Array.from({ length: columns }, (_, i) => i / 75),
    yValues: Float32Array.from({ length: rows }, (_, i) => i / 75),
    values: Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * 0.37)),
  });

function pngSize(png: Uint8Array): { width: number; height: number } {
  const view = new DataView(png.buffer, png.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

test("a chart names its title and axes in the SVG, in the charts' font", async () => {
  const svg = await renderSvg(curve, { width: 500, height: 300 });
  expect(svg).toMatch(/^<svg [^>]*width="500"[^>]*height="300"/);
  for (const text of Object.values(labels)) expect(svg).toContain(`>${text}</text>`);
  expect(svg).toContain("font-family:DejaVu Sans");
});

test("a heatmap of 375 by 375 cells is one image, not an element a cell", async () => {
  const svg = await renderSvg(matrix(375, 375));
  expect(svg.match(/<image /g)).toHaveLength(2);
  expect(svg.match(/</g)!.length).toBeLessThan(200);
  expect(svg.length).toBeLessThan(1_500_000);
});

test("a heatmap's image fills the rectangle of its axes, first row at the bottom", async () => {
  const svg = await renderSvg(heatmap({ ...labels, xValues: ["a", "b"], yValues: ["low", "high"], values: Float32Array.of(0, 0, 1, 1) }));
  expect(svg).toContain('preserveAspectRatio="none"');
  const base64 = /<image [^>]*href="data:image\/png;base64,([^"]+)"/.exec(svg)![1]!;
  const { width, pixels, palette } = decode(Buffer.from(base64, "base64"));
  expect(palette[pixels[0]!]).toEqual([253, 231, 37]);
  expect(palette[pixels.at(-1)!]).toEqual([68, 1, 84]);
  expect(pixels.length % width).toBe(0);
});

test("PNGs have the size asked for, times the scale, and letters without any font of the system", async () => {
  const png = await renderPng(curve, { width: 300, height: 200, scale: 1.5 });
  expect(pngSize(png)).toEqual({ width: 450, height: 300 });
  const untitled = await renderPng({ ...curve, title: "" }, { width: 300, height: 200, scale: 1.5 });
  expect(Buffer.compare(png, untitled)).not.toBe(0);
});

test("files are written whole, a grid of panels among them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ostinato-plot-"));
  const scores = bars({ ...labels, categories: ["a", "b"], series: [{ name: "s", values: [1, -2] }] });
  const grid = panels({ columns: 2, charts: [curve, matrix(3, 4), scores] });
  await writePng(join(folder, "grid.png"), grid, { width: 600, height: 400, scale: 1 });
  await writeSvg(join(folder, "grid.svg"), grid, { width: 600, height: 400 });
  expect(pngSize(await readFile(join(folder, "grid.png")))).toEqual({ width: 600, height: 400 });
  const svg = await readFile(join(folder, "grid.svg"), "utf8");
  for (const at of ['x="0" y="0"', 'x="300" y="0"', 'x="0" y="200"']) expect(svg).toContain(`<svg ${at}`);
  await rm(folder, { recursive: true });
});

test("importing the plots loads neither ECharts nor resvg: only drawing does", async () => {
  for (const name of ["chart", "svg", "option", "layout", "png.node"]) {
    const source = await readFile(new URL(`./${name}.ts`, import.meta.url), "utf8");
    expect(source).not.toMatch(/^import .*from "(echarts|@resvg)/m);
  }
});

test("a chart's data that do not fit each other are refused, with the numbers", () => {
  const wrong = { ...labels, xValues: [1, 2], yValues: [1], values: new Float32Array(3) };
  expect(() => heatmap(wrong)).toThrow(new ShapeError('"Title of the chart": 3 values do not fill 1 rows (yValues) of 2 (xValues).'));
  expect(() => lines({ ...labels, series: [{ name: "s", x: [1, 2], y: [1] }] })).toThrow(
    'Series "s" of "Title of the chart" has 2 x values and 1 y',
  );
  expect(() => lines({ ...labels, logY: true, series: [{ name: "s", x: [0], y: [0] }] })).toThrow(ConfigError);
  expect(() => lines({ ...labels, series: [] })).toThrow("no series");
  expect(() => bars({ ...labels, categories: ["a"], series: [{ name: "s", values: [] }] })).toThrow("0 values for 1 categories");
  expect(() => panels({ columns: 0, charts: [curve] })).toThrow("columns is 0");
});

test("the range of a heatmap is that of its finite values, even on both sides of zero when diverging", () => {
  const values = Float32Array.of(-1, 3, Number.NaN, Number.POSITIVE_INFINITY);
  const options = { ...labels, xValues: [1, 2], yValues: [1, 2], values };
  expect(heatmap(options).range).toEqual([-1, 3]);
  expect(heatmap({ ...options, colour: "diverging" }).range).toEqual([-3, 3]);
  expect(heatmap({ ...options, values: new Float32Array(4).fill(Number.NaN) }).range).toEqual([0, 1]);
});

test("colours run from end to end of viridis, get lighter all the way, and missing values are grey", () => {
  const table = colourTable("viridis");
  expect([table[0], table[colourSteps - 1]]).toEqual([
    [68, 1, 84],
    [253, 231, 37],
  ]);
  const lightness = table.slice(0, colourSteps).map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
  for (let i = 1; i < lightness.length; i++) expect(lightness[i]!).toBeGreaterThan(lightness[i - 1]! - 1);
  expect([-1, 0, 0.5, 1, 9, Number.NaN].map((value) => colourIndex(value, 0, 1))).toEqual([0, 0, 127, 254, 254, 255]);
  expect(colourIndex(5, 5, 5)).toBe(127);
});

test("a PNG written by the encoder decodes to its pixels", () => {
  const pixels = Uint8Array.from({ length: 7 * 5 }, (_, i) => i % 3);
  const palette = colourTable("diverging");
  expect(decode(encodePng({ width: 7, height: 5, pixels, palette }))).toEqual({ width: 7, pixels, palette });
  expect(() => encodePng({ width: 2, height: 2, pixels, palette })).toThrow("35 pixels do not make an image of 2 × 2");
});

/** Reads back what `encodePng` writes: its chunks in order, rows without filters. */
function decode(png: Uint8Array) {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    chunks.set(String.fromCharCode(...png.subarray(at + 4, at + 8)), png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const { width } = pngSize(png);
  const rows = unzlibSync(chunks.get("IDAT")!);
  const pixels = rows.filter((_, i) => i % (width + 1) !== 0);
  const plte = [...chunks.get("PLTE")!];
  const palette = Array.from({ length: plte.length / 3 }, (_, i) => plte.slice(3 * i, 3 * i + 3));
  return { width, pixels, palette };
}

test("ticks are round numbers inside their axis", () => {
  expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(linearTicks(-0.5, 374.5, 4)).toEqual([0, 100, 200, 300]);
  expect(linearTicks(0.31, 4.99, 2).length).toBeGreaterThanOrEqual(2);
  expect(linearTicks(3, 3)).toEqual([3]);
  expect(logTicks(1, 1e5)).toEqual([1, 10, 100, 1000, 10_000, 100_000]);
  expect(logTicks(0.3, 7)).toEqual([0.5, 1, 2, 5]);
});

test("numbers are written without floating-point dust", () => {
  expect([0, 0.1 + 0.2, 200_000, 1.5e7, 0.00002, -3].map(formatNumber)).toEqual(["0", "0.3", "200000", "1.5e7", "2e-5", "-3"]);
});

test("labels along an axis never overlap: numbers are thinned, names turned", () => {
  const parts = { title: "t", yLabel: "y", aside: 0, y: { type: "value", low: 0, high: 1 } } as const;
  for (const width of [200, 400, 900]) {
    const numbers = arrange(
      { ...parts, x: { type: "category", names: Array.from({ length: 200 }, (_, i) => String(i)) } },
      { width, height: 300 },
    );
    const slot = numbers.width / 200;
    for (let i = 1; i < numbers.x.ticks.length; i++) {
      expect((numbers.x.ticks[i]! - numbers.x.ticks[i - 1]!) * slot).toBeGreaterThan(textWidth(numbers.x.labels[i]!, sizes.label));
    }
    const names = arrange(
      { ...parts, x: { type: "category", names: Array.from({ length: 20 }, (_, i) => `a long name ${i}`) } },
      { width, height: 300 },
    );
    expect(names.x.rotate).toBe(40);
    expect(names.left + names.width).toBeLessThanOrEqual(width);
  }
});

test("text is broken between words, as wide as the font's own letters", () => {
  // 2 × 974 + 3 × 278 thousandths of DejaVu Sans's em.
  expect(textWidth("mmiii", 10)).toBeCloseTo(27.82);
  expect(wrap("one two three", 60, 12)).toEqual(["one two", "three"]);
  expect(wrap("unbreakable", 10, 12)).toEqual(["unbreakable"]);
});
