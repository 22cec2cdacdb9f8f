// A disk that fills up: a memory file system of a few kilobytes, where the tests may mount one.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly folder: string;
  unmount(): void;
}

/** A folder on a disk of `kilobytes`, or the reason why there can be none: mounting takes Linux and its administrator. */
export function smallDisk(kilobytes: number): SmallDisk | string {
  if (process.platform !== "linux") return "memory file systems are mounted on Linux only";
  const folder = mkdtempSync(join(tmpdir(), "ostinato-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes * 1024}`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    rmSync(folder, { recursive: true });
    return `mounting was refused (${(error as Error).message.trim().split("\n").at(-1)})`;
  }
  return {
    folder,
    unmount() {
      execFileSync("umount", ["-l", folder]);
      rmSync(folder, { recursive: true });
    },
  };
}
