// What is missing for the libtorch engine, and the commands that install it.
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { advice, diagnoseTorch } from "./setup.ts";

const nothingThere = { LIBTORCH: "", OSTINATO_PYTHON: "none", CXX: "/no/such/g++" };

test("a compiler that is not there is named, and no package is advised for one that CXX names", () => {
  const { ready, findings } = diagnoseTorch(nothingThere, () => false);
  expect(ready).toBe(false);
  expect(findings.find(({ what }) => what === "/no/such/g++")).toMatchObject({ found: false, packages: [] });
});

test.skipIf(!existsSync("/usr/bin/apt-get"))("only packages that are not installed are advised", () => {
  const env = { ...nothingThere, CXX: undefined, PATH: "/nowhere", LIBTORCH: undefined, NODE_INCLUDE: "/nowhere" };
  const before = process.env.PATH;
  process.env.PATH = "/nowhere"; // so that g++ is not found
  try {
    const all = diagnoseTorch(env, () => false);
    const some = diagnoseTorch(env, (name) => name !== "g++");
    expect(all.commands.at(-1)).toMatch(/install -y --no-install-recommends .*\bg\+\+ libc6-dev/);
    expect(some.commands.at(-1)).toMatch(/install -y --no-install-recommends g\+\+$/);
    expect(advice(some)).toContain("missing, g++");
    expect(diagnoseTorch(env, () => true).commands).toEqual([]);
  } finally {
    process.env.PATH = before;
  }
});
