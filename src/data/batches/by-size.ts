// Batching by size: runs of clips of about one length that fill a batch, exactly as fairseq cuts them.
import { ConfigError } from "../../base/errors.ts";

export interface SizeLimits {
  /** A batch holds at most so many samples: its clips times the longest of them. */
  readonly batchSamples: number;
  /** And at most so many clips. */
  readonly maxClips?: number | undefined;
  /** A batch of so many clips or more is cut to a multiple of this. */
  readonly multiple?: number | undefined;
}

/** Where batches end (exclusive), for clips in the order given, each of a size in samples: the last end is the number of clips. A batch grows
 *  while its longest clip times its clips stays within the limit; what is cut off to reach the multiple begins the next batch
 *  (fairseq, data/data_utils_fast.pyx, batch_by_size_vec).
 *  @throws ConfigError when one clip alone is more than a batch holds. */
export function batchBySize(sizes: ArrayLike<number>, { batchSamples, maxClips = Infinity, multiple = 1 }: SizeLimits): number[] {
  const ends: number[] = [];
  let start = 0; // of the batch that is growing
  let end = 0; // up to here it is complete: [start, end) is a valid batch, [end, i] its tail
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
        if (i > start) ends.push(i); // the tail alone is too much: it ends before this clip
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
