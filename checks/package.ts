// Is the npm package sound? Packs the tracked files as a clean clone would, lints the tarball with publint and attw, dry-runs the publication of both
// packages, installs the tarball in an empty folder and imports it. Run: npm run check:package. It needs the npm registry. Prints the installed size.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ostinato-package-"));
let failed = false;

function step(what: string, cwd: string, command: string, ...args: string[]): string {
  console.log(`$ ${[command, ...args].join(" ")}`);
  try {
    const output = execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    console.log(output.trimEnd());
    return output;
  } catch (error) {
    failed = true;
    console.log(`${(error as { stdout?: string }).stdout ?? ""}\nFAILED: ${what}`);
    return "";
  }
}

try {
  const clone = join(folder, "clone");
  const listed = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of listed.split("\0").filter((path) => path && !path.startsWith("test/golden/"))) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(root, file), join(clone, file));
  }
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  step("npm pack", clone, "npm", "pack", "--silent", "--pack-destination", folder);
  const [tarball = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const path = join(folder, tarball);
  step("publint", folder, "npx", "-y", "publint@0.3", "--strict", path);
  step("attw", folder, "npx", "-y", "@arethetypeswrong/cli@0.18", path, "--profile", "esm-only");
  step("npm publish of the library", clone, "npm", "publish", "--dry-run");
  step("npm publish of the addon", join(clone, "native"), "npm", "publish", "--dry-run");
  const empty = join(folder, "empty");
  mkdirSync(empty);
  writeFileSync(join(empty, "package.json"), '{ "private": true }');
  step("npm install", empty, "npm", "install", path, "--onnxruntime-node-install=skip");
  step("import", empty, process.execPath, "-e", 'import("ostinato").then((all) => console.log(Object.keys(all).length, "exports"))');
  step("command", empty, "npx", "ostinato", "--version");
  step("size", empty, "du", "-sh", "node_modules");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
