// Outcome: exit codes, error messages, and Ctrl-C.
import { ConfigError, NotFoundError, OstinatoError } from "../base/errors.ts";

export const exitCodes = { done: 0, someFailed: 1, usage: 2, interrupted: 130 } as const;

/** Ctrl-C ended the work. */
export class InterruptedError extends OstinatoError {
  override readonly code: string = "OSTINATO_INTERRUPTED";
}

/** Prints an error on stderr and returns its exit code. The library's own errors and system errors are printed without a stack; any other
 *  error is a bug and is printed with its stack. */
export function reportError(error: unknown): number {
  if (error instanceof InterruptedError) {
    note("Interrupted.");
    return exitCodes.interrupted;
  }
  if (error instanceof OstinatoError) {
    note(`error: ${error.message}`);
    const usage = error instanceof ConfigError || error instanceof NotFoundError || error.code === "OSTINATO_OUTPUT_EXISTS";
    return usage ? exitCodes.usage : exitCodes.someFailed;
  }
  if (error instanceof Error && "syscall" in error) note(`error: ${error.message}`);
  else note(`error: this is a bug in ostinato, please report it.\n${error instanceof Error ? error.stack : String(error)}`);
  return exitCodes.someFailed;
}

/** Prints a line on stderr: stdout is for results. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints one JSON object as a line on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Runs `work` with a signal that the first Ctrl-C aborts, so that the current item can be finished or discarded; the second Ctrl-C exits. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    note("\nStopping after the current item; press Ctrl-C again to exit at once.");
    controller.abort(new InterruptedError("Interrupted."));
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}
