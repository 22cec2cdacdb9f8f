// Error classes: each has a code of its own that stays when its name or its messages change.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FormatError, OstinatoError, UnsafeFileError } from "./errors.ts";

test("every error class of the library declares a code that no other has", () => {
  const source = fileURLToPath(new URL("..", import.meta.url));
  const codes = new Map<string, string>();
  for (const file of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
    const text = readFileSync(join(source, file), "utf8");
    for (const [, name, parent, code] of text.matchAll(
      /^export class (\w+) extends (\w*Error) \{(?:[^{}]*code: string = "(OSTINATO_\w+)")?/gm,
    )) {
      if (name === "TransientError") continue; // never leaves the hub's retries
      expect(code, `${name} extends ${parent} in ${file} declares no code`).toBeDefined();
      expect(codes.get(code!), `${name} and ${codes.get(code!)} share the code ${code}`).toBeUndefined();
      codes.set(code!, name!);
    }
  }
  expect(codes.size).toBeGreaterThan(15);
});

test("an error tells its class by name, code and instanceof", () => {
  const error = new UnsafeFileError("refused");
  expect([error.name, error.code, error.message]).toEqual(["UnsafeFileError", "OSTINATO_UNSAFE_FILE", "refused"]);
  expect(error instanceof FormatError && error instanceof OstinatoError).toBe(true);
});
