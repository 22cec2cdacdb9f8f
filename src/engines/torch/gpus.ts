// GPUs: which NVIDIA GPUs this machine has whose driver answers.
import { execFileSync } from "node:child_process";

/** Name and memory of each GPU that nvidia-smi lists; empty where there is no driver or it does not answer within ten seconds. */
export function answeringGpus(): string[] {
  try {
    const listed = execFileSync("nvidia-smi", ["--query-gpu=name,memory.total", "--format=csv,noheader"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000,
    });
    return listed.split("\n").filter(Boolean);
  } catch {
    return [];
  }
}
