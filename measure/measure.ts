// Measuring: what every bench prints beside its numbers, and the peer that runs in the same run.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Spread {
  min: number;
  median: number;
  max: number;
  runs: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: sorted[0]!, median: sorted[Math.floor((sorted.length - 1) / 2)]!, max: sorted.at(-1)!, runs: sorted.length };
}

/** Wall and CPU milliseconds of one call. */
export async function timed<T>(work: () => Promise<T> | T): Promise<{ wallMs: number; cpuMs: number; value: T }> {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  const value = await work();
  const wallMs = performance.now() - wall;
  const used = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (used.user + used.system) / 1000, value };
}

export function machine() {
  const [cpu] = cpus();
  return { cpu: cpu?.model ?? "unknown", cores: cpus().length, node: process.version, date: new Date().toISOString().slice(0, 10) };
}

/** Keeps a bench's numbers under bench/results. */
export function keepResults(name: string, results: unknown): void {
  const folder = fileURLToPath(new URL("../bench/results/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify(results, null, 2)}\n`);
}

/** What a bench has kept there; undefined where nothing. */
export function readResults<T>(name: string): T | undefined {
  const path = fileURLToPath(new URL(`./results/${name}.json`, import.meta.url));
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : undefined;
}

/** A python3 that can import `modules`: OSTINATO_PYTHON, else the one on the path. */
export function findPython(modules: readonly string[]): string | undefined {
  for (const python of [process.env.OSTINATO_PYTHON, "python3"]) {
    if (!python) continue;
    try {
      execFileSync(python, ["-c", `import ${modules.join(", ")}`], { stdio: "ignore" });
      return python;
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

/** A Python process that answers JSON lines. */
export function startPeer(python: string, script: string) {
  const child = spawn(python, [fileURLToPath(new URL(script, import.meta.url))], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask<T>(request: unknown): Promise<T> {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script} ended without an answer.`);
      return JSON.parse(value) as T;
    },
    stop: () => child.kill(),
  };
}
