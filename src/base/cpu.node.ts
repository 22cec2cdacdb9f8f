// CPU: the vector extensions that decide how fast an engine is.
import { existsSync, readFileSync } from "node:fs";

const relevant = ["avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "bf16"];

/** The vector extensions of this CPU that matter to the engines, by Linux's names; empty where the system doesn't list them. */
export function cpuFeatures(): string[] {
  const text = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1]?.split(" "));
  return relevant.filter((feature) => flags.has(feature));
}
