// Bundles checks/device.ts into one file, test/dist/check-device.mjs, that a machine with nothing but Node can run in this tree.
import { readFile } from "node:fs/promises";
import { relative } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));
const outfile = `${root}test/dist/check-device.mjs`;

/** Sources look for files relative to themselves (golden data, C++ sources, peers). In the bundle they find them relative to where they were. */
const ownAddresses = {
  name: "own-addresses",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const own = JSON.stringify(relative(`${root}test/dist`, path));
      const text = await readFile(path, "utf8");
      return { contents: text.replaceAll("import.meta.url", `new URL(${own}, import.meta.url).href`), loader: "ts" };
    });
  },
};

await build({
  entryPoints: [`${root}checks/device.ts`],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  plugins: [ownAddresses],
  // Packages in CommonJS call require, which an ES module doesn't have.
  banner: {
    js: 'import { createRequire as createRequireOfBundle } from "node:module";\nconst require = createRequireOfBundle(import.meta.url);',
  },
});
