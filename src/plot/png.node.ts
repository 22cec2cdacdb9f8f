// Files: charts written as PNG and SVG, with the fonts that come along, so that they look alike on every machine.
import { createRequire } from "node:module";
import { writeAtomic } from "../base/files.node.ts";
import type { Chart } from "./chart.ts";
import type { Size } from "./layout.ts";
import { renderSvg } from "./svg.ts";

export interface PngOptions extends Partial<Size> {
  /** Pixels of the image a pixel of the chart; default 2, for sharp text. */
  readonly scale?: number;
}

/** A chart as the bytes of a PNG of `width * scale` by `height * scale` pixels. */
export async function renderPng(chart: Chart, { scale = 2, ...size }: PngOptions = {}): Promise<Uint8Array> {
  const [svg, { Resvg }] = await Promise.all([renderSvg(chart, size), import("@resvg/resvg-js")]);
  const { resolve } = createRequire(import.meta.url);
  // A plain server has no fonts at all: none of the system's are looked at, so none can differ.
  const fontFiles = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) => resolve(`dejavu-fonts-ttf/ttf/${file}`));
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" };
  return new Resvg(svg, { font, fitTo: { mode: "zoom", value: scale } }).render().asPng();
}

/** Writes a chart as PNG, whole or not at all; default 800 × 500 at scale 2. */
export async function writePng(path: string, chart: Chart, options: PngOptions = {}): Promise<void> {
  await writeAtomic(path, await renderPng(chart, options));
}

/** Writes a chart as SVG, whole or not at all; default 800 × 500. */
export async function writeSvg(path: string, chart: Chart, size: Partial<Size> = {}): Promise<void> {
  await writeAtomic(path, await renderSvg(chart, size));
}
