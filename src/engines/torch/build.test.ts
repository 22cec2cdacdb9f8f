// Building the addon with a stand-in for the compiler.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { torchMissing } from "../../../test/fixtures/torch.ts";
import { addonPath, buildAddon, versionNumber } from "./build.ts";
import { type Libtorch, locateLibtorch } from "./locate.ts";

let root: string;
let libtorch: Libtorch;
let env: Record<string, string>;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ostinato-build-"));
  mkdirSync(join(root, "lib"));
  writeFileSync(join(root, "lib/libtorch_cpu.so"), "");
  writeFileSync(join(root, "node_api.h"), "");
  // Appends its arguments to a log, and writes them into the file that follows -o.
  const compiler = join(root, "compiler");
  writeFileSync(
    compiler,
    `#!/bin/sh\nall="$*"\necho "$all" >> ${join(root, "log")}\nwhile [ $# -gt 1 ]; do [ "$1" = -o ] && echo "$all" > "$2"; shift; done\n`,
  );
  chmodSync(compiler, 0o755);
  const libraries = join(root, "lib");
  libtorch = { version: "3.0.1", origin: "LIBTORCH", includes: [root], libraries, cuda: false, glooHeaders: true, newStrings: true };
  env = { CXX: compiler, NODE_INCLUDE: root };
});
afterAll(() => {
  rmSync(dirname(addonPath(libtorch)), { recursive: true, force: true });
  rmSync(root, { recursive: true });
});

test("a lock left behind by a dead process does not hold up a build", { timeout: 20_000 }, async () => {
  const target = addonPath(libtorch);
  mkdirSync(dirname(dirname(target)), { recursive: true });
  const lock = new URL("../../../dist/base/lock.node.js", import.meta.url).href;
  const taking = `import { takeLock } from "${lock}"; await takeLock(process.argv[1]); process.kill(process.pid, "SIGKILL");`;
  const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", taking, `${dirname(target)}.building`]);
  expect([signal, existsSync(`${dirname(target)}.building`)]).toEqual(["SIGKILL", true]);
  expect(await buildAddon({ libtorch, env })).toBe(target);
  expect(readFileSync(target, "utf8")).toContain("-ltorch_cpu");
});

test("versions are compared by one integer, so that 3.0 is newer than 2.13", () => {
  expect(["1.13.0", "2.0.1", "2.4.0", "2.13.0", "3.0.1"].map(versionNumber)).toEqual([1013, 2000, 2004, 2013, 3000]);
  const [compiled] = readFileSync(join(root, "log"), "utf8")
    .split("\n")
    .filter((line) => line.includes("napi.cc"));
  expect(compiled).toContain("-std=c++20");
  expect(compiled).toContain("-DOSTINATO_TORCH=3000");
});

test("the addon is hardened: full relro, no executable stack, stack protector", { skip: torchMissing !== undefined }, () => {
  const addon = addonPath(locateLibtorch());
  const headers = execFileSync("readelf", ["-lWd", addon], { encoding: "utf8" });
  expect(headers).toContain("GNU_RELRO");
  expect(headers).toContain("BIND_NOW");
  expect(headers).toMatch(/GNU_STACK +(0x\w+ +){5}RW /);
  expect(execFileSync("readelf", ["--dyn-syms", "-W", addon], { encoding: "utf8" })).toContain("__stack_chk_fail");
});
