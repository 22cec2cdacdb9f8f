// Runs the built program in a process of its own, as a user does.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const bin = fileURLToPath(new URL("../../bin/ostinato.js", import.meta.url));

export interface RunSettings {
  readonly input?: Uint8Array;
  readonly env?: Record<string, string>;
  /** Called with all of stderr whenever more of it arrives; may kill the process. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** `node bin/ostinato.js …args`, without a network. */
export function ostinato(args: readonly string[], { input, env = {}, onStderr }: RunSettings = {}): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, HF_HUB_OFFLINE: "1", ...env } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
  child.stderr.on("data", (part: Buffer) => {
    stderr += part.toString();
    onStderr?.(stderr, (signal) => child.kill(signal));
  });
  child.stdin.on("error", () => {}); // it may have ended before it read
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
