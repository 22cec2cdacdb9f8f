// The architecture, held by tests: floors, and what may run in a browser.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { floors } from "../src/floors.ts";

const src = fileURLToPath(new URL("../src", import.meta.url));
const rooms = new Map(floors.flatMap((floor, level) => floor.map((room) => [room, level] as const)));

/** The room a file lives in; undefined for the front door's own files. */
function roomOf(path: string): string | undefined {
  const parts = relative(src, path).split("/").slice(0, -1);
  return [parts.slice(0, 2).join("/"), parts[0] ?? ""].find((room) => rooms.has(room));
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(src, name));

/** What a file imports; `import type` vanishes at run time, so only the floors count it. */
function imports(path: string, withTypes: boolean): string[] {
  const source = readFileSync(path, "utf8");
  const found = [...source.matchAll(/^(?:import|export)\s(type\s)?[^;]*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)/gms)];
  return found.filter(([, type]) => withTypes || !type).map((match) => (match[2] ?? match[3])!);
}
const isTest = (path: string) => path.endsWith(".test.ts");

test("every source file lives in a room of the map", () => {
  const homeless = files.filter((path) => dirname(path) !== src && roomOf(path) === undefined);
  expect(homeless.map((path) => relative(src, path))).toEqual([]);
});

test("a room imports lower floors only", () => {
  const wrong: string[] = [];
  for (const path of files.filter((file) => !isTest(file))) {
    const room = roomOf(path);
    if (room === undefined) continue;
    for (const target of imports(path, true).filter((name) => name.startsWith("."))) {
      const to = roomOf(resolve(dirname(path), target));
      if (to === undefined) wrong.push(`${relative(src, path)} imports ${target}, which is in no room`);
      else if (to !== room && rooms.get(to)! >= rooms.get(room)!) wrong.push(`${relative(src, path)} (${room}) imports ${to}`);
    }
  }
  expect(wrong).toEqual([]);
});

/** Rooms that live in Node alone. */
const nodeRooms = ["cli", "engines/torch"];
const isNodeOnly = (path: string) => path.endsWith(".node.ts") || nodeRooms.includes(roomOf(path) ?? "");
const nodePackages = ["onnxruntime-node", "@resvg/resvg-js", "@hono/node-server"];

test("Node is imported only where the file's name or room says so", () => {
  const wrong = files
    .filter((path) => !isTest(path) && !isNodeOnly(path) && relative(src, path) !== "index.ts")
    .flatMap((path) =>
      imports(path, false)
        .filter((name) => name.startsWith("node:") || nodePackages.includes(name) || name.endsWith(".node.ts"))
        .map((name) => `${relative(src, path)} imports ${name}`),
    );
  expect(wrong).toEqual([]);
});

test("the browser's runtime is imported only where the file's name says so, and only by the browser's front door", () => {
  const isWeb = (path: string) => path.endsWith(".web.ts") || relative(src, path) === "browser.ts";
  const wrong = files
    .filter((path) => !isTest(path) && !isWeb(path))
    .flatMap((path) =>
      imports(path, false)
        .filter((name) => name.startsWith("onnxruntime-web") || name.endsWith(".web.ts"))
        .map((name) => `${relative(src, path)} imports ${name}`),
    );
  expect(wrong).toEqual([]);
});
