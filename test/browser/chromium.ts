// Chromium for tests. Where there is none, the tests that need it are skipped, with the reason and the command that installs it.
import { type Browser, chromium } from "playwright-core";
import { skipReason } from "../fixtures/requirement.ts";
import { findChromium, installChromium } from "./find-chromium.ts";

/** Why tests can't have a browser here; undefined where they can. */
export const chromiumMissing: string | undefined = findChromium()
  ? undefined
  : skipReason("Tests in the browser", `there is no Chromium here. Run "${installChromium[1]}" as root, or set CHROMIUM_PATH.`);

/** Starts Chromium headless, without network access. `webgpu` offers a software adapter, which is for smoke tests only. */
export function launchChromium({ webgpu = false } = {}): Promise<Browser> {
  const quiet = ["--no-first-run", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const gpu = webgpu
    ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
    : ["--disable-gpu", "--disable-features=WebGPU"];
  return chromium.launch({ executablePath: findChromium()!, chromiumSandbox: false, args: [...quiet, ...gpu] });
}
