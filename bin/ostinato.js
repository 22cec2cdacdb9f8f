#!/usr/bin/env node
// The command `ostinato`: starts what `npm run build` compiled from src/cli.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const compiled = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(fileURLToPath(compiled))) {
  const { main } = await import(compiled.href);
  await main(process.argv.slice(2));
} else {
  process.stderr.write("ostinato is not built yet: run `npm run build` in its folder first.\n");
  process.exitCode = 1;
}
