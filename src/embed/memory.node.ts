// Memory: a clip too long to run whole is refused beforehand, rather than ending the process half-way.
import { freemem } from "node:os";
import { OstinatoError } from "../base/errors.ts";
import type { Model } from "../models/model.ts";

/** A clip that would need more memory than there is. */
export class TooLongError extends OstinatoError {}

/** Bytes that a run over `samples` needs at its peak, to a factor of about 1.5: the first convolution's output (one column of `channels`
 *  values each 5 samples) with its norm and activation; and the hidden states, that are held twice while they leave the engine. */
export function peakBytes(
  model: Pick<Model, "windowCount" | "frameCount" | "width">,
  samples: number,
  layers: number,
  channels = 512,
): number {
  return 4 * (3 * model.windowCount(samples) * channels + 2 * layers * model.frameCount(samples) * model.width);
}

/** @throws TooLongError when a run over `samples` at once needs more than `available` bytes (by default what the machine has free). */
export function checkMemory(
  model: Pick<Model, "windowCount" | "frameCount" | "width" | "sampleRateHz">,
  samples: number,
  layers: number,
  available: number = freeBytes(),
): void {
  const needed = peakBytes(model, samples, layers);
  if (needed <= available) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new TooLongError(
    `A clip of ${(samples / model.sampleRateHz).toFixed(0)} s run whole takes about ${gigabytes(needed)} of memory, and ${gigabytes(available)} are free. Run it in windows: --window 30 --overlap 2 (windowSeconds: 30, overlapSeconds: 2).`,
  );
}

/** Free memory of the machine, or of the container where that is less. */
function freeBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  // Without a limit Node gives 0 or a number near 2^64.
  const contained = limit > 0 && limit < 2 ** 50 ? limit - process.memoryUsage.rss() : Number.POSITIVE_INFINITY;
  return Math.min(freemem(), contained);
}
