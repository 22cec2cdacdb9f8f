// Versions: of this library and of the engine beneath it, for provenance.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

interface PackageJson {
  readonly version: string;
}

/** The version in this library's package.json, which lies two folders above both src/embed and dist/embed. */
export const ostinatoVersion = (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as PackageJson).version;

const packages: Readonly<Record<string, string>> = { onnx: "onnxruntime-node" };

/** The version of the package an engine stands on; "unknown" for an engine brought by the caller. */
export function engineVersion(engine: string): string {
  const name = packages[engine];
  return name === undefined ? "unknown" : (createRequire(import.meta.url)(`${name}/package.json`) as PackageJson).version;
}
