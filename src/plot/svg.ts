// SVG: a chart as the text of an SVG image, in Node, a worker or a page.
import type { Chart, Panels } from "./chart.ts";
import type { Size } from "./layout.ts";
import { toOption } from "./option.ts";
import { drawingPackages } from "./peers.ts";
import { textWidth } from "./text.ts";

/** Draws a chart; default 800 × 500 pixels. ECharts is loaded with the first chart that is drawn, not before. */
export async function renderSvg(chart: Chart, { width = 800, height = 500 }: Partial<Size> = {}): Promise<string> {
  return chart.kind === "panels" ? renderPanels(chart, { width, height }) : renderOne(chart, { width, height });
}

async function renderOne(chart: Exclude<Chart, Panels>, size: Size): Promise<string> {
  const echarts = await loadEcharts();
  const instance = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  try {
    instance.setOption(toOption(chart, size));
    // An image of cells takes the grid's shape; SVG would keep its own.
    return instance.renderToSVGString().replaceAll("<image ", '<image preserveAspectRatio="none" ');
  } finally {
    // An instance that is not disposed of keeps a timer, and with it the process.
    instance.dispose();
  }
}

/** SVG images nest: each panel keeps its own coordinates. */
async function renderPanels({ columns, charts }: Panels, { width, height }: Size): Promise<string> {
  const rows = Math.ceil(charts.length / columns);
  const cell = { width: Math.floor(width / columns), height: Math.floor(height / rows) };
  const parts: string[] = [];
  for (const [i, chart] of charts.entries()) {
    const at = `x="${(i % columns) * cell.width}" y="${Math.floor(i / columns) * cell.height}"`;
    parts.push((await renderSvg(chart, cell)).replace("<svg ", `<svg ${at} `));
  }
  const open = `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" xmlns="http://www.w3.org/2000/svg">`;
  return `${open}\n<rect width="${width}" height="${height}" fill="#ffffff"/>\n${parts.join("\n")}\n</svg>`;
}

let loading: ReturnType<typeof importEcharts> | undefined;

function loadEcharts(): ReturnType<typeof importEcharts> {
  loading ??= drawingPackages(importEcharts);
  return loading;
}

/** Only the parts of ECharts that these charts use. */
async function importEcharts() {
  const [core, charts, components, features, renderers] = await Promise.all([
    import("echarts/core"),
    import("echarts/charts"),
    import("echarts/components"),
    import("echarts/features"),
    import("echarts/renderers"),
  ]);
  core.use([charts.BarChart, charts.CustomChart, charts.LineChart, renderers.SVGRenderer, features.LabelLayout]);
  core.use([components.GridComponent, components.LegendComponent, components.TitleComponent]);
  // Without a canvas ECharts guesses the width of texts for another font.
  if (typeof document === "undefined") {
    core.setPlatformAPI({
      measureText: (text, font) => ({
        width: textWidth(text, Number.parseFloat(/([\d.]+)px/.exec(font ?? "")?.[1] ?? "12"), /bold/.test(font ?? "")),
      }),
    });
  }
  return core;
}
