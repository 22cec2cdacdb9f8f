// Silence in place of what is lost: as long as a clock says, but never so much that a few bytes of nonsense fill the memory.

/** Longer than this, in all, is no loss but a clock that is itself damaged. */
const longestSeconds = 600;
/** Samples of all channels together: 256 MB. */
const mostValues = 2 ** 26;

/** How many samples of silence a file may still be given. */
export interface SilenceBudget {
  /** Whether `samples` more are to be had; they are then spent. */
  take(samples: number): boolean;
}

export function silenceBudget({ sampleRateHz, channels }: { readonly sampleRateHz: number; readonly channels: number }): SilenceBudget {
  let left = Math.min(longestSeconds * sampleRateHz, Math.floor(mostValues / channels));
  return {
    take(samples) {
      if (!(samples <= left)) return false;
      left -= samples;
      return true;
    },
  };
}
