// Chromium for tests: on Debian as root it gets installed where it is missing; elsewhere the tests that need it are skipped, with the
// reason and the command to type.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { messageOf } from "../../src/base/errors.ts";
import { withLock } from "../../src/base/lock.node.ts";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const patience = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"];

/** Where a Chromium lies; CHROMIUM_PATH says so first. */
const findChromium = (): string | undefined => [process.env.CHROMIUM_PATH, ...places].find((path) => path && existsSync(path));

/** Why tests can't have a browser here; undefined where they can. */
export const chromiumMissing: string | undefined = await prepare();

async function prepare(): Promise<string | undefined> {
  if (findChromium()) return undefined;
  try {
    const mayInstall = existsSync("/usr/bin/apt-get") && process.getuid?.() === 0;
    if (!mayInstall) throw new Error("there is no Chromium here");
    // One lock with the tests that install libtorch: apt-get serves one at a time.
    await withLock(join(tmpdir(), "ostinato-setup-torch.lock"), async () => {
      if (findChromium()) return;
      for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
        await promisify(execFile)("apt-get", [...patience, ...args], {
          env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
          timeout: 300_000,
        });
      }
    });
    if (!findChromium()) throw new Error("apt-get installed Debian's chromium, but it isn't where it should be");
    return undefined;
  } catch (error) {
    const command = "apt-get install -y --no-install-recommends chromium";
    const reason = `${messageOf(error).split("\n")[0]}. Run "${command}" as root, or set CHROMIUM_PATH.`;
    console.warn(`Tests in the browser are skipped: ${reason}`);
    return reason;
  }
}

/** Starts it headless, away from the network. With `webgpu`, a software adapter is offered: good for smoke tests alone. */
export function launchChromium({ webgpu = false } = {}): Promise<Browser> {
  const quiet = ["--no-first-run", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const gpu = webgpu
    ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
    : ["--disable-gpu", "--disable-features=WebGPU"];
  return chromium.launch({ executablePath: findChromium()!, chromiumSandbox: false, args: [...quiet, ...gpu] });
}
