// The rows of bench/results/long-audio.json: memory and time of a long file. checks/long-audio.ts writes them, scripts/pictures.ts draws them.

export interface Hour {
  /** The engine and its version. */
  readonly engine: string;
  readonly dtype: string;
  readonly minutes: number;
  /** Time of the first pass over the file, which finds its statistics. */
  readonly firstPassSeconds: number;
  readonly seconds: number;
  readonly peakMegabytes: number;
  /** Minutes of audio done, resident megabytes, and seconds of work a second of audio since the last point. */
  readonly curve: readonly (readonly [minutes: number, megabytes: number, pace: number])[];
}

/** The pace over every five points of the curve, since one or two windows lie between two points. */
export function paceOf(curve: Hour["curve"]): { x: number[]; y: number[] } {
  const [x, y]: [number[], number[]] = [[], []];
  for (let i = 5; i < curve.length; i += 5) {
    const seconds = [0, 1, 2, 3, 4].reduce((sum, j) => sum + curve[i - j]![2] * (curve[i - j]![0] - curve[i - j - 1]![0]), 0);
    x.push(curve[i]![0]);
    y.push(seconds / (curve[i]![0] - curve[i - 5]![0]));
  }
  return { x, y };
}
