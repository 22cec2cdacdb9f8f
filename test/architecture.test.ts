// Tests of the architecture: floors, circles, and what may run in a browser.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { browserPackages, floors } from "../src/floors.ts";
import { violations } from "./architecture.ts";

const src = fileURLToPath(new URL("../src", import.meta.url));

test("the sources follow the map of floors", () => {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
  );
  expect(violations(new Map(files.map((name) => [name, readFileSync(join(src, name), "utf8")])), { floors, browserPackages })).toEqual([]);
});

describe("a tree that breaks the map is refused:", () => {
  const found = (tree: Record<string, string>) =>
    violations(new Map(Object.entries(tree)), {
      floors: [{ base: { platform: "any" } }, { audio: { platform: "any" }, hub: { platform: "any" } }, { data: { platform: "node" } }],
      browserPackages: ["zod"],
    });

  test("an import that goes up a floor, even of a type", () => {
    expect(found({ "base/a.ts": 'import type { B } from "../audio/b.ts";', "audio/b.ts": "" })).toEqual([
      "base/a.ts imports ../audio/b.ts upward: base (floor 0) → audio (floor 1).",
    ]);
  });

  test("an import between two rooms of one floor", () => {
    expect(found({ "hub/a.ts": 'import "../audio/b.ts";', "audio/b.ts": "" })[0]).toContain("hub (floor 1) → audio (floor 1)");
  });

  test("a file in no room", () => {
    expect(found({ "attic/a.ts": "" })).toEqual(["attic/a.ts is in no room of the map."]);
  });

  test("a circle between files, even where an import type closes it", () => {
    const tree = {
      "base/a.ts": 'import { b } from "./b.ts";',
      "base/b.ts": 'import { c } from "./c.ts";',
      "base/c.ts": 'import type { A } from "./a.ts";',
    };
    expect(found(tree)).toEqual(["These files import each other in a circle: base/a.ts, base/b.ts, base/c.ts."]);
  });

  test("Node's modules in a file without the suffix, in a room that serves both", () => {
    expect(found({ "audio/a.ts": 'import { readFile } from "node:fs/promises";' })).toEqual([
      "audio/a.ts imports node:fs/promises, which needs Node; name the file .node.ts.",
    ]);
    expect(found({ "audio/a.node.ts": 'import "node:fs";', "data/b.ts": 'import "node:fs";' })).toEqual([]);
  });

  test("a Node room behind the browser's front door, though the file has no suffix", () => {
    const tree = { "browser.ts": 'export { a } from "./data/a.ts";', "data/a.ts": "" };
    expect(found(tree)).toEqual(["browser.ts reaches ./data/a.ts, which needs Node: browser.ts."]);
  });

  test("a package that is not on the browser's list behind the browser's front door, also by an import() and through other files", () => {
    const tree = {
      "browser.ts": 'export { a } from "./audio/a.ts";',
      "audio/a.ts": 'import { type B } from "../base/b.ts";',
      "base/b.ts": 'export const load = () => import("never-heard-of/part"); import "zod/v4"; import type { C } from "types-only";',
    };
    expect(found(tree)).toEqual([
      "browser.ts reaches never-heard-of/part, which is not on the browser's list: browser.ts → audio/a.ts → base/b.ts.",
    ]);
  });

  test("the browser's runtime in a file without the suffix", () => {
    expect(found({ "audio/a.ts": 'import "onnxruntime-web/wasm";' })).toHaveLength(1);
  });

  test("a suffix that a Node room doesn't need", () => {
    expect(found({ "data/a.node.ts": 'import "node:fs";' })).toEqual(["data/a.node.ts is in a Node room; drop the suffix .node."]);
  });
});
