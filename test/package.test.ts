// The npm package: what `npm pack` puts into it, and that the links of its README lead somewhere.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
  exports: Record<string, string | Record<string, string | Record<string, string>>>;
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};
// Without prepack, which would remove dist/ under the tests that run at the same time.
const listing = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8" });
const [packed] = JSON.parse(listing) as { files: { path: string; size: number }[] }[];
const paths = packed!.files.map(({ path }) => path);

/** All strings within a value. */
const strings = (value: unknown): string[] =>
  typeof value === "string" ? [value] : Object.values(value as Record<string, unknown>).flatMap(strings);

test("the package is built before it is packed", () => {
  expect(manifest.scripts.prepack).toContain("tsc -p tsconfig.build.json");
});

test("the package has the code, its types, the command, the documentation and the licence", () => {
  const wanted = [...strings(manifest.exports), ...strings(manifest.bin)].map((path) => path.replace("./", ""));
  const others = ["README.md", "LICENSE", "SECURITY.md", "docs/README.md", "docs/pictures/demo.png", "dist/audio/decode-worker.node.js"];
  expect(paths).toEqual(expect.arrayContaining([...wanted, ...others]));
  expect(paths.length).toBeGreaterThan(300);
});

test("the package has no tests, sources, fixtures or source maps", () => {
  expect(paths.filter((path) => /\.test\.|\.map$|^(src|test|bench|checks|measure|scripts|node_modules)\//.test(path))).toEqual([]);
  expect(packed!.files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(6e6);
});

test("relative links and pictures of the packed README and documentation index lead to packed files", () => {
  for (const [page, folder] of [
    ["README.md", ""],
    ["docs/README.md", "docs"],
    ["docs/models/README.md", "docs/models"],
  ] as const) {
    const links = [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target]) =>
      join(folder, target!),
    );
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((target) => !paths.includes(target))).toEqual([]);
  }
});

test("every package that the built code imports is declared", () => {
  const declared = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]);
  const imported = new Set<string>();
  for (const path of paths.filter((each) => /^dist\/.*\.js$/.test(each))) {
    const code = readFileSync(join(root, path), "utf8");
    for (const [, target = ""] of code.matchAll(/^(?:import|export)\b[^;]*?from "([^."][^"]*)"|\bimport\("([^."][^"]*)"\)/gm)) {
      if (target && !target.startsWith("node:"))
        imported.add(
          target
            .split("/")
            .slice(0, target.startsWith("@") ? 2 : 1)
            .join("/"),
        );
    }
  }
  expect([...imported].filter((name) => !declared.has(name))).toEqual([]);
  expect(imported.size).toBeGreaterThan(5);
});
