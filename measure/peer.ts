// The peer: the same work in Python (PyTorch, transformers), in a process that answers on request, so that both sides are timed in one run.
import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A python3 that can import `modules`: OSTINATO_PYTHON, else the one on the path; undefined where neither can. */
export function findPython(modules: readonly string[]): string | undefined {
  for (const python of [process.env.OSTINATO_PYTHON, "python3"]) {
    if (!python) continue;
    try {
      execFileSync(python, ["-c", `import ${modules.join(", ")}`], { stdio: "ignore" });
      return python;
    } catch {
      // The next candidate is tried.
    }
  }
  return undefined;
}

/** What a peer answers to its first request. */
export interface PeerReady {
  /** The versions of torch and transformers. */
  readonly versions: Readonly<Record<string, string>>;
  /** The GPU's name, or "cpu". */
  readonly device: string;
}

/** Wall and CPU milliseconds of each run of a request. */
export interface PeerTimes {
  readonly wall_ms: readonly number[];
  readonly cpu_ms: readonly number[];
}

/** Starts `measure/peers/<name>.py`, which answers one JSON line to each JSON line. */
export function startPeer(python: string, name: "hubert" | "encodec") {
  const script = fileURLToPath(new URL(`./peers/${name}.py`, import.meta.url));
  const child = spawn(python, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** @throws Error when the process ends without an answer. */
    async ask<T>(request: unknown): Promise<T> {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`The peer ${name}.py ended without an answer.`);
      return JSON.parse(value) as T;
    },
    stop: () => child.kill(),
  };
}
