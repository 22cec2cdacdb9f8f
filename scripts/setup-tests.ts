// Installs what the tests need beyond npm's packages: libtorch (`ostinato setup torch`) and Chromium, from Debian's packages, as root.
// Run: npm run setup:tests (npm test does so first, after the build). Where something can't be installed, the tests that need it are
// skipped and this ends with 0; in continuous integration (CI=true) it ends with 1.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findChromium, installChromium } from "../test/browser/find-chromium.ts";
import { inCI } from "../test/fixtures/requirement.ts";

const program = fileURLToPath(new URL("../bin/ostinato.js", import.meta.url));
const missing: string[] = [];

function step(what: string, work: () => void): void {
  console.log(`Setting up ${what} for the tests.`);
  try {
    work();
  } catch (error) {
    missing.push(what);
    console.log(`${what} can't be set up (${(error as Error).message.split("\n")[0]}). ${inCI ? "" : "Tests that need it are skipped."}`);
  }
}

function run(command: string, ...args: string[]): void {
  console.log(`$ ${[command.replace(process.execPath, "node"), ...args].join(" ")}`);
  execFileSync(command, args, {
    stdio: "inherit",
    timeout: 900_000,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

step("libtorch", () => run(process.execPath, program, "setup", "torch"));
step("Chromium", () => {
  if (findChromium()) return;
  if (!existsSync("/usr/bin/apt-get") || process.getuid?.() !== 0) throw new Error(`as root, run: ${installChromium.join(" && ")}`);
  for (const line of installChromium) {
    const [command, ...args] = line.split(" ") as [string, ...string[]];
    run(command, "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", ...args);
  }
});
if (inCI && missing.length > 0) {
  console.error(`Continuous integration runs every test, so ${missing.join(" and ")} must be there.`);
  process.exitCode = 1;
}
