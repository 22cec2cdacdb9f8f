// Chart files: PNG and SVG, drawn with one font, so that they are the same on every machine.
import { createRequire } from "node:module";
import { writeAtomic } from "../base/files.node.ts";
import type { Chart } from "./chart.ts";
import type { Size } from "./layout.ts";
import { drawingPackages } from "./peers.ts";
import { renderSvg } from "./svg.ts";

export interface PngOptions extends Partial<Size> {
  /** Pixels of the image per pixel of the chart; default 2, for sharp text. */
  readonly scale?: number;
}

/** A chart as the bytes of a PNG of `width * scale` by `height * scale` pixels. @throws DrawingPackagesError. */
export async function renderPng(chart: Chart, { scale = 2, ...size }: PngOptions = {}): Promise<Uint8Array> {
  const { Resvg, fontFiles } = await drawingPackages(importRenderer);
  const svg = await renderSvg(chart, size);
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" };
  return new Resvg(svg, { font, fitTo: { mode: "zoom", value: scale } }).render().asPng();
}

/** The renderer and its fonts. Fonts of the system are not used: a plain server has none, and others differ. */
async function importRenderer() {
  const { Resvg } = await import("@resvg/resvg-js");
  const { resolve } = createRequire(import.meta.url);
  const fontFiles = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) => resolve(`dejavu-fonts-ttf/ttf/${file}`));
  return { Resvg, fontFiles };
}

/** Writes a chart as PNG, whole or not at all; default 800 × 500 at scale 2. */
export async function writePng(path: string, chart: Chart, options: PngOptions = {}): Promise<void> {
  await writeAtomic(path, await renderPng(chart, options));
}

/** Writes a chart as SVG, whole or not at all; default 800 × 500. */
export async function writeSvg(path: string, chart: Chart, size: Partial<Size> = {}): Promise<void> {
  await writeAtomic(path, await renderSvg(chart, size));
}
