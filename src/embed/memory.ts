// Memory: estimates what a run needs and refuses it beforehand, so that the process is not killed in the middle.
import { freemem } from "node:os";
import { OstinatoError } from "../base/errors.ts";
import type { Model } from "../models/model.ts";

/** A clip needs more memory than is free. */
export class TooLongError extends OstinatoError {
  override readonly code: string = "OSTINATO_TOO_LONG";
}

type Sizes = Pick<Model, "windowCount" | "frameCount" | "width" | "sampleRateHz">;

/** Peak bytes of clips run whole, `samples` in all with padding, accurate to a factor of about 1.5: the first convolution's output
 *  (`channels` values every 5 samples) with its norm and activation, and the hidden states, which exist twice while they are copied from the
 *  engine. */
export function wholePeakBytes(model: Sizes, samples: number, layers: number, channels = 512): number {
  return 4 * (3 * model.windowCount(samples) * channels + 2 * layers * model.frameCount(samples) * model.width);
}

/** Peak bytes of a window in the transformer, accurate to a factor of about 1.5: the hidden states, and a layer's feed-forward values before
 *  and after the activation. */
export function windowPeakBytes(model: Sizes, samples: number, layers: number): number {
  return 4 * (layers + 12) * model.frameCount(samples) * model.width;
}

/** @throws TooLongError when clips run whole in one batch need more than `available` bytes (default: the machine's free memory). */
export function checkBatch(model: Sizes, clips: readonly { readonly length: number }[], layers: number, available = freeBytes()): void {
  const longest = Math.max(0, ...clips.map(({ length }) => length));
  const needed = wholePeakBytes(model, longest * clips.length, layers);
  const what = `${clips.length} clips of up to ${(longest / model.sampleRateHz).toFixed(0)} s in one batch`;
  if (needed > available) throw tooLong(what, needed, available, "Use a lower --batch-size (batchSize).");
}

/** @throws TooLongError when `rows` windows of `samples` need more than `available` bytes (default: the machine's free memory). */
export function checkWindow(model: Sizes, samples: number, rows: number, layers: number, available = freeBytes()): void {
  const needed = windowPeakBytes(model, samples * rows, layers);
  const what = `Attention over ${rows > 1 ? `${rows} windows` : "a window"} of ${(samples / model.sampleRateHz).toFixed(0)} s`;
  if (needed > available)
    throw tooLong(what, needed, available, "Use shorter windows: --window 30 --overlap 5 (windowSeconds: 30, overlapSeconds: 5).");
}

function tooLong(what: string, needed: number, available: number, advice: string): TooLongError {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return new TooLongError(`${what} needs about ${gigabytes(needed)} of memory; ${gigabytes(available)} are free. ${advice}`);
}

/** Free memory of the machine, or what is left of the container's limit if that is less. */
function freeBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  // Without a limit Node returns 0 or a number near 2^64.
  const contained = limit > 0 && limit < 2 ** 50 ? limit - process.memoryUsage.rss() : Number.POSITIVE_INFINITY;
  return Math.min(freemem(), contained);
}
