// Verified backends: WebGPU runs a model only after its hidden states on a probe have been compared with WebAssembly's in fp32. A fallback to
// WebAssembly is always reported.
import { messageOf } from "../base/errors.ts";
import { type Comparison, compareEncoders } from "./compare.ts";
import type { Encoder } from "./encoder.ts";

type Backend = "wasm" | "webgpu";
type Dtype = "fp32" | "fp16" | "q8" | "q4";

/** The largest relative error on the probe at which a backend counts as correct, by dtype. Differences of rounding stay far below (4e-6, 8e-4,
 *  0.025 and 0.18 on the small test models); an overflow or a broken kernel is far above. */
export const tolerance: Readonly<Record<Dtype, number>> = { fp32: 0.01, fp16: 0.02, q8: 0.15, q4: 0.5 };

export interface VerifiedOptions<E extends Encoder> {
  /** The backend to try first, and why. */
  readonly backend: Backend;
  readonly reason: string;
  readonly dtype: Dtype;
  /** Whether to compare with the reference. */
  readonly compare: boolean;
  start(backend: Backend, dtype: Dtype): Promise<E>;
  warn(message: string): void;
}

export interface Verified<E extends Encoder> {
  readonly encoder: E;
  readonly backend: Backend;
  readonly reason: string;
  readonly comparison?: Comparison;
}

/** Starts an encoder on the backend, or on WebAssembly with a warning where WebGPU fails or its results are wrong. On WebAssembly the
 *  comparison is only reported, since there is nothing to fall back to. */
export async function startVerified<E extends Encoder>(options: VerifiedOptions<E>): Promise<Verified<E>> {
  const { backend, reason, dtype, start, warn } = options;
  if (backend === "wasm") {
    const encoder = await start("wasm", dtype);
    return { encoder, backend, reason, ...(options.compare && { comparison: await compareToReference(encoder, start) }) };
  }
  let encoder: E | undefined;
  let failure: string;
  try {
    encoder = await start("webgpu", dtype);
    if (!options.compare) return { encoder, backend, reason };
    const comparison = await compareToReference(encoder, start);
    if (comparison.worstRelativeError <= tolerance[dtype]) return { encoder, backend, reason, comparison };
    failure = `its hidden states differ by ${(100 * comparison.worstRelativeError).toPrecision(3)} % from WebAssembly's in fp32`;
  } catch (error) {
    failure = messageOf(error);
  }
  await encoder?.dispose().catch(() => {}); // disposing fails where the device was lost
  const why = `WebGPU was tried and rejected: ${failure}`;
  warn(`${why}. WebAssembly runs the model.`);
  return { encoder: await start("wasm", dtype), backend: "wasm", reason: why };
}

async function compareToReference(encoder: Encoder, start: VerifiedOptions<Encoder>["start"]): Promise<Comparison> {
  const reference = await start("wasm", "fp32");
  try {
    return await compareEncoders(encoder, reference);
  } finally {
    await reference.dispose();
  }
}
