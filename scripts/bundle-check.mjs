// Bundles checks/device.ts into one file, test/dist/check-device.mjs, that a machine with nothing but Node can run in this tree.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));
await build({
  entryPoints: [`${root}checks/device.ts`],
  outfile: `${root}test/dist/check-device.mjs`,
  bundle: true,
  platform: "node",
  format: "esm",
  // Files that the sources find beside themselves (golden data, C++ sources) are looked up from test/fixtures/.
  define: { "import.meta.url": "__besideTests" },
  banner: {
    js: 'import { createRequire as __cr } from "node:module";\nconst require = __cr(import.meta.url);\nconst __besideTests = new URL("../fixtures/bundle.mjs", import.meta.url).href;',
  },
});
