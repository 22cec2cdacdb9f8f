// Where Chromium is installed, and what to do where it is not.
import { existsSync } from "node:fs";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The path of a Chromium: CHROMIUM_PATH, else where distributions install it. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM_PATH, ...places].find((path) => path && existsSync(path));
}

/** Debian's commands that install it. */
export const installChromium = ["apt-get update", "apt-get install -y --no-install-recommends chromium"] as const;
