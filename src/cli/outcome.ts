// Outcome: exit codes, what is said of an error, and Ctrl-C.
import { ConfigError, NotFoundError, OstinatoError } from "../base/errors.ts";

export const exitCodes = { done: 0, someFailed: 1, usage: 2, interrupted: 130 } as const;

/** The work was ended by Ctrl-C. */
export class InterruptedError extends OstinatoError {
  override readonly code: string = "OSTINATO_INTERRUPTED";
}

/** Says on stderr what went wrong and gives the exit code for it. What this library throws on purpose needs no stack; anything else but
 *  the system's own errors is a bug and shows where it happened. */
export function reportError(error: unknown): number {
  if (error instanceof InterruptedError) {
    note("Interrupted.");
    return exitCodes.interrupted;
  }
  if (error instanceof OstinatoError) {
    note(`error: ${error.message}`);
    return error instanceof ConfigError || error instanceof NotFoundError ? exitCodes.usage : exitCodes.someFailed;
  }
  if (error instanceof Error && "syscall" in error) note(`error: ${error.message}`);
  else note(`error: this is a bug in ostinato, please report it.\n${error instanceof Error ? error.stack : String(error)}`);
  return exitCodes.someFailed;
}

/** A line on stderr, where notes go: stdout is for results. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** One JSON object on a line of stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Runs `work` with a signal that the first Ctrl-C aborts, so that what is begun can be finished or put away; the second ends at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    note("\nStopping after what is in hand; press Ctrl-C again to end at once.");
    controller.abort(new InterruptedError("Interrupted."));
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}
