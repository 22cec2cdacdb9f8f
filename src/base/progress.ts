// Progress: one line that says how far a long job is, redrawn on a terminal and repeated every ten seconds where there is none.

/** The little of a stream that is needed: process.stderr, or a test's own. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  /** 0 where a terminal does not know its width. */
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Items in all. */
  readonly total: number;
  readonly stream: ProgressStream;
  /** Say nothing where there is no terminal: for output that programs read. */
  readonly quiet?: boolean;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

export interface Progress {
  /** Counts an item as finished; `seconds` is the length of its sound, 0 where it took no work. */
  advance(item: { readonly failed?: boolean; readonly skipped?: boolean; readonly seconds?: number }): void;
  /** A line of its own, above the progress. */
  note(line: string): void;
  /** Removes the progress line. */
  finish(): void;
}

const redrawMilliseconds = 100;
const repeatMilliseconds = 10_000;

export function startProgress({ total, stream, quiet = false, now = Date.now }: ProgressOptions): Progress {
  const began = now();
  const count = { done: 0, failed: 0, skipped: 0, seconds: 0 };
  let shown = stream.isTTY ? Number.NEGATIVE_INFINITY : began;
  const clear = () => stream.isTTY && stream.write("\r\x1b[K");

  const show = (force = false) => {
    const wait = stream.isTTY ? redrawMilliseconds : repeatMilliseconds;
    if ((!stream.isTTY && (quiet || force)) || (!force && now() - shown < wait)) return;
    shown = now();
    const line = progressLine({ ...count, total, elapsed: (now() - began) / 1000 });
    clear();
    stream.write(stream.isTTY ? line.slice(0, (stream.columns || 80) - 1) : `${line}\n`);
  };

  return {
    advance({ failed = false, skipped = false, seconds = 0 }) {
      count[failed ? "failed" : skipped ? "skipped" : "done"]++;
      count.seconds += seconds;
      show();
    },
    note(line) {
      clear();
      stream.write(`${line}\n`);
      if (stream.isTTY) show(true);
    },
    finish: () => void clear(),
  };
}

/** 12/80 files, 1 failed · 31.2 s/s · 0:42 left. The rate is seconds of audio a second. */
export function progressLine(at: {
  done: number;
  failed: number;
  skipped: number;
  seconds: number;
  total: number;
  elapsed: number;
}): string {
  const { done, failed, skipped, seconds, total, elapsed } = at;
  const worked = done + failed;
  const left = total - worked - skipped;
  const parts = [`${worked + skipped}/${total} files${skipped ? `, ${skipped} skipped` : ""}${failed ? `, ${failed} failed` : ""}`];
  if (seconds > 0 && elapsed > 0) parts.push(`${(seconds / elapsed).toFixed(1)} s of audio a second`);
  if (worked > 0 && left > 0) parts.push(`${clock((elapsed / worked) * left)} left`);
  return parts.join(" · ");
}

/** Seconds as m:ss or h:mm:ss. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
