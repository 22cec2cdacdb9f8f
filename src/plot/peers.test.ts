// Drawing without its optional packages: an error that holds the line that installs them, and nothing else stops working.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { workerUrl } from "../base/worker-pool.node.ts";

const built = (path: string) => JSON.stringify(workerUrl(import.meta.url, path).href);

/** What a script prints that runs where some packages are not installed. */
function without(packages: readonly string[], script: string): string {
  const hook = `export async function resolve(name, context, next) {
    if (${JSON.stringify(packages)}.some((each) => name === each || name.startsWith(each + "/"))) {
      throw Object.assign(new Error("Cannot find package '" + name + "'"), { code: "ERR_MODULE_NOT_FOUND" });
    }
    return next(name, context);
  }`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(register)}`, "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return stdout + stderr;
}

const draw = (how: string) => `
  const { bars } = await import(${built("./chart.js")});
  const { renderPng } = await import(${built("./png.node.js")});
  const { renderSvg } = await import(${built("./svg.js")});
  const chart = bars({ title: "t", xLabel: "x", yLabel: "y", categories: ["a"], series: [{ name: "s", values: [1] }] });
  await ${how}(chart).then((image) => console.log("drawn", image.length > 100), (error) => console.log(error.code, error.message));`;

test.each([
  ["renderSvg", ["echarts"]],
  ["renderPng", ["echarts"]],
  ["renderPng", ["@resvg/resvg-js"]],
])("%s without %j says what to install", (how, packages) => {
  const output = without(packages, draw(how));
  expect(output).toContain("OSTINATO_DRAWING_PACKAGES Charts are drawn by packages that are not installed.");
  expect(output).toContain("npm install echarts @resvg/resvg-js dejavu-fonts-ttf");
});

test("an SVG needs no renderer of PNG, and the library loads without any of them", () => {
  expect(without(["@resvg/resvg-js"], draw("renderSvg"))).toContain("drawn true");
  const all = ["echarts", "@resvg/resvg-js", "dejavu-fonts-ttf"];
  expect(without(all, `const library = await import(${built("../index.js")}); console.log(typeof library.embed);`)).toContain("function");
});
