// Timing: the wall and CPU time of a piece of work, and the spread over its runs.

/** The extremes and the lower median of several runs. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly runs: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: sorted[0]!, median: sorted[Math.floor((sorted.length - 1) / 2)]!, max: sorted.at(-1)!, runs: sorted.length };
}

/** Wall milliseconds and CPU milliseconds (of all threads of this process) of one call. */
export async function timed<T>(work: () => Promise<T> | T): Promise<{ wallMs: number; cpuMs: number; value: T }> {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  const value = await work();
  const wallMs = performance.now() - wall;
  const used = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (used.user + used.system) / 1000, value };
}
