// Require: resolve installed packages from a module, also where it is bundled.
import { createRequire } from "node:module";
import { join } from "node:path";

/** `require` for a module, given its `import.meta.url`. Bundles in CommonJS leave that undefined: then packages resolve from the working folder. */
export function requireFrom(moduleUrl: string | undefined): NodeJS.Require {
  return createRequire(moduleUrl ?? join(process.cwd(), "bundle.js"));
}
