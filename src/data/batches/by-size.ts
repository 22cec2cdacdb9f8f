// Batching by size: consecutive clips of similar length fill a batch, exactly as in fairseq.
import { ConfigError } from "../../base/errors.ts";

export interface SizeLimits {
  /** Largest number of samples of a batch: its clips times the longest of them. */
  readonly batchSamples: number;
  /** Largest number of clips of a batch. */
  readonly maxClips?: number | undefined;
  /** A batch of at least this many clips is cut to a multiple of it. */
  readonly multiple?: number | undefined;
}

/** The exclusive end of each batch, for clips of the given sizes (samples) in order; the last end is the number of clips. A batch grows while its
 *  longest clip times its number of clips stays within the limit; clips cut off to reach the multiple begin the next batch
 *  (fairseq, data/data_utils_fast.pyx, batch_by_size_vec).
 *  @throws ConfigError when one clip alone exceeds a batch. */
export function batchBySize(sizes: ArrayLike<number>, { batchSamples, maxClips = Infinity, multiple = 1 }: SizeLimits): number[] {
  const ends: number[] = [];
  let start = 0; // first clip of the growing batch
  let end = 0; // [start, end) is a valid batch, [end, i] the tail beyond it
  let longest = 0;
  let tailLongest = 0;
  for (let i = 0; i < sizes.length; i++) {
    const size = sizes[i]!;
    if (size > batchSamples) {
      throw new ConfigError(
        `A clip of ${size} samples does not fit a batch of ${batchSamples}: raise batchSamples, or crop clips shorter.`,
      );
    }
    tailLongest = Math.max(tailLongest, size);
    let whole = Math.max(longest, tailLongest);
    const clips = i + 1 - start;
    const overflow = clips > maxClips || clips * whole > batchSamples;
    if (overflow) {
      if (end > start) ends.push(end);
      start = end;
      const tailClips = i + 1 - end;
      if (tailClips > maxClips || tailClips * tailLongest > batchSamples) {
        if (i > start) ends.push(i); // the tail alone exceeds the limit: it ends before this clip
        start = i;
        tailLongest = size;
      }
      whole = tailLongest;
    }
    if (overflow || clips < multiple || clips % multiple === 0) {
      end = i + 1;
      longest = whole;
      tailLongest = 0;
    }
  }
  if (end > start) ends.push(end);
  if (sizes.length > end) ends.push(sizes.length);
  return ends;
}
