// Silence that replaces lost audio. Its length follows the timestamps of the stream up to a limit, so that corrupt timestamps can not fill the memory.

/** Total length above which the timestamps themselves are taken to be damaged. */
const longestSeconds = 600;
/** Samples of all channels together: 256 MB. */
const mostValues = 2 ** 26;

/** Silence that may still be inserted into a file. */
export interface SilenceBudget {
  /** Takes `samples` from the budget. False, and nothing taken, when fewer are left. */
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
