// Held backends: WebGPU runs a model only after its answer on a probe has been held to WebAssembly's in fp32, and never gives way in
// silence.
import { messageOf } from "../base/errors.ts";
import { type Comparison, compareEncoders } from "./compare.ts";
import type { Encoder } from "./encoder.ts";

type Backend = "wasm" | "webgpu";
type Dtype = "fp32" | "fp16" | "q8" | "q4";

/** The largest relative error on the probe at which a backend still counts as right, by dtype. Arithmetic that only rounds differently stays
 *  far below it (on the small test models 4e-6, 8e-4, 0.025 and 0.18); an overflow or a broken kernel is far above. */
export const tolerated: Readonly<Record<Dtype, number>> = { fp32: 0.01, fp16: 0.02, q8: 0.15, q4: 0.5 };

export interface HeldOptions<E extends Encoder> {
  /** Tried first, for this reason. */
  readonly backend: Backend;
  readonly reason: string;
  readonly dtype: Dtype;
  /** Whether to compare at all. */
  readonly compare: boolean;
  start(backend: Backend, dtype: Dtype): Promise<E>;
  warn(message: string): void;
}

export interface Held<E extends Encoder> {
  readonly encoder: E;
  readonly backend: Backend;
  readonly reason: string;
  readonly comparison?: Comparison;
}

/** An encoder on the backend, or on WebAssembly where WebGPU fails or is off, with a warning. On WebAssembly the comparison informs only:
 *  there is nothing to fall back to. */
export async function startHeld<E extends Encoder>(options: HeldOptions<E>): Promise<Held<E>> {
  const { backend, reason, dtype, start, warn } = options;
  if (backend === "wasm") {
    const encoder = await start("wasm", dtype);
    return { encoder, backend, reason, ...(options.compare && { comparison: await heldToReference(encoder, start) }) };
  }
  let encoder: E | undefined;
  let trouble: string;
  try {
    encoder = await start("webgpu", dtype);
    if (!options.compare) return { encoder, backend, reason };
    const comparison = await heldToReference(encoder, start);
    if (comparison.worstRelativeError <= tolerated[dtype]) return { encoder, backend, reason, comparison };
    trouble = `its hidden states are off by ${(100 * comparison.worstRelativeError).toPrecision(3)} % of WebAssembly's in fp32`;
  } catch (error) {
    trouble = messageOf(error);
  }
  await encoder?.dispose().catch(() => {}); // a lost device can't be tidied up
  const why = `WebGPU was tried and given up: ${trouble}`;
  warn(`${why}. WebAssembly runs the model.`);
  return { encoder: await start("wasm", dtype), backend: "wasm", reason: why };
}

async function heldToReference(encoder: Encoder, start: HeldOptions<Encoder>["start"]): Promise<Comparison> {
  const reference = await start("wasm", "fp32");
  try {
    return await compareEncoders(encoder, reference);
  } finally {
    await reference.dispose();
  }
}
