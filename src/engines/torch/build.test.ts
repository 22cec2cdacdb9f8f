// Building the addon with a stand-in for the compiler.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addonPath, buildAddon } from "./build.ts";
import type { Libtorch } from "./locate.ts";

let root: string;
let libtorch: Libtorch;
let env: Record<string, string>;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ostinato-build-"));
  mkdirSync(join(root, "lib"));
  writeFileSync(join(root, "lib/libtorch_cpu.so"), "");
  writeFileSync(join(root, "node_api.h"), "");
  // Writes its arguments into the file that follows -o.
  const compiler = join(root, "compiler");
  writeFileSync(compiler, '#!/bin/sh\nall="$*"\nwhile [ $# -gt 1 ]; do [ "$1" = -o ] && echo "$all" > "$2"; shift; done\n');
  chmodSync(compiler, 0o755);
  const libraries = join(root, "lib");
  libtorch = { version: "2.1.0", origin: "LIBTORCH", includes: [root], libraries, cuda: false, glooHeaders: true, newStrings: true };
  env = { CXX: compiler, NODE_INCLUDE: root };
});
afterAll(() => {
  rmSync(dirname(addonPath(libtorch)), { recursive: true, force: true });
  rmSync(root, { recursive: true });
});

test("a lock left behind by a dead process does not hold up a build", { timeout: 20_000 }, async () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  const target = addonPath(libtorch);
  mkdirSync(dirname(dirname(target)), { recursive: true });
  writeFileSync(`${dirname(target)}.building`, `${dead}@${hostname()}`);
  expect(await buildAddon({ libtorch, env })).toBe(target);
  expect(readFileSync(target, "utf8")).toContain("-ltorch_cpu");
});
