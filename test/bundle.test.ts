// Server bundles: a program that esbuild has bundled together with the library embeds audio, in both module formats.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ostinatoVersion } from "../src/base/version.ts";
import { fixturePath } from "./fixtures/audio.ts";
import { writeTinyModel } from "./fixtures/tiny-model.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const program = `
import { embed, loadModel } from "ostinato";
async function main() {
  const model = await loadModel(process.argv[2], { engine: "onnx", threads: 1 });
  const { shape, provenance } = await embed(model, process.argv[3], { pooling: "mean", layers: "last" });
  console.log(JSON.stringify({ shape, version: provenance.ostinato }));
  process.exit(0);
}
main().catch((error) => { console.log(error.name + ": " + error.message); process.exit(1); });
`;

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-bundle-"));
  model = await writeTinyModel(join(folder, "model"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Bundles the program into a folder in which only the given packages are installed, and runs it there. */
async function runBundle(format: "esm" | "cjs", packages: readonly string[]): Promise<string> {
  const place = join(folder, `${format}-${packages.length}`);
  for (const name of packages) {
    await mkdir(dirname(join(place, "node_modules", name)), { recursive: true });
    await symlink(name === "ostinato" ? root : join(root, "node_modules", name), join(place, "node_modules", name));
  }
  const outfile = join(place, `server.${format === "esm" ? "mjs" : "cjs"}`);
  await build({
    stdin: { contents: program, resolveDir: join(root, "test") },
    alias: { ostinato: join(root, "dist/index.js") },
    ...{ outfile, format, bundle: true, platform: "node", external: ["onnxruntime-node"], logLevel: "error" },
    // Packages in CommonJS call require, which an ES module doesn't have.
    ...(format === "esm" && {
      banner: { js: 'import { createRequire as __r } from "node:module"; const require = __r(import.meta.url);' },
    }),
  });
  const run = promisify(execFile)(process.execPath, [outfile, model, fixturePath("music.mp3")], { cwd: place });
  return (await run.catch((error: { stdout: string; stderr: string }) => error)).stdout;
}

describe.each(["esm", "cjs"] as const)("a program bundled as %s", (format) => {
  test("embeds audio where the packages are installed, and knows the library's version", async () => {
    const { shape, version } = JSON.parse(await runBundle(format, ["onnxruntime-node", "onnxruntime-common", "ostinato"])) as {
      shape: number[];
      version: string;
    };
    expect(shape).toEqual([1, 16]);
    expect(version).toBe(ostinatoVersion);
  });

  test("names the packages to install and to keep external where the library is not installed", async () => {
    expect(await runBundle(format, ["onnxruntime-node", "onnxruntime-common"])).toMatch(
      /^NotFoundError: The worker decode-worker\.node\.js is not beside this bundle.*--external:ostinato --external:onnxruntime-node/,
    );
  });
});
