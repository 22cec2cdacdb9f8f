// The version of this library, for provenance.
import { readFileSync } from "node:fs";

interface PackageJson {
  readonly version: string;
}

/** The version in this library's package.json, which lies two folders above both src/embed and dist/embed. */
export const ostinatoVersion = (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as PackageJson).version;
