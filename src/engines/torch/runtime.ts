// Runtime: loads libtorch into a thread and sets its device, number of threads and modes.
import { availableParallelism } from "node:os";
import type { DType } from "../../base/dtypes.ts";
import { NotFoundError } from "../../base/errors.ts";
import { addon, loadAddon, type MemoryReport } from "./addon.ts";
import type { BuildOptions } from "./build.ts";

export interface OpenOptions extends BuildOptions {
  /** "cpu", "cuda" or "cuda:1"; by default the first GPU where there is one, else the CPU. */
  readonly device?: string;
  /** Threads of one operator; all cores by default. */
  readonly threads?: number;
}

export interface Runtime {
  readonly version: string;
  readonly device: string;
  readonly threads: number;
}

/** Loads libtorch into this thread and compiles the addon first where needed.
 *  @throws NotFoundError where libtorch, a compiler or the device is missing, telling what to do. */
export async function openTorch(options: OpenOptions = {}): Promise<Runtime> {
  const native = await loadAddon(options);
  native.setThreads(options.threads ?? availableParallelism());
  const device = options.device ?? (native.deviceCount("cuda") > 0 ? "cuda" : "cpu");
  if (device.startsWith("cuda")) {
    const count = native.deviceCount("cuda");
    const index = Number(device.split(":")[1] ?? 0);
    if (index >= count) {
      throw new NotFoundError(
        `The device ${device} is not there: libtorch ${native.build().version} sees ${count} GPUs. Choose cpu, or install a CUDA build of libtorch.`,
      );
    }
    native.setDevice(`cuda:${index}`);
    native.setTf32(false);
  }
  return { version: native.build().version, device, threads: native.getThreads() };
}

/** Live tensors and memory of the process. */
export function memory(): MemoryReport {
  return addon().memory();
}

/** Runs `body` under autocast: matrix products and convolutions in `dtype`, what is sensitive to rounding in float32. */
export function autocast<R>(device: string, dtype: DType, body: () => R): R {
  addon().setAutocast(device, dtype);
  try {
    return body();
  } finally {
    addon().setAutocast(device, null);
  }
}

/** Runs `body` without recording gradients. */
export function noGrad<R>(body: () => R): R {
  const before = addon().setGradEnabled(false);
  try {
    return body();
  } finally {
    addon().setGradEnabled(before);
  }
}

/** Waits until the device has finished all work submitted to it. Returns at once on the CPU. */
export function synchronize(device: string): void {
  addon().synchronize(device);
}
