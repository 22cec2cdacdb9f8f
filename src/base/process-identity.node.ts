// Process identity: which process on which machine wrote a lock, and whether it still runs.
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessIdentity {
  readonly pid: number;
  /** Host name, for messages. */
  readonly host: string;
  /** Equal for two processes that see each other's process numbers: on Linux the boot and the process namespace, else the host name. */
  readonly machine: string;
  /** When the process started, in a form of the system; numbers are reused, but not with the same start. */
  readonly started?: string | undefined;
}

/** elsewhere: of another machine, of which only its signs of life tell. stopped: suspended (Ctrl-Z, SIGSTOP), and may go on any moment. */
export type Liveness = "running" | "stopped" | "dead" | "elsewhere";

/** This process. `machine` stands in for the real one in tests. */
export function thisProcess(machine: string = thisMachine()): ProcessIdentity {
  return { pid: process.pid, host: hostname(), machine, started: processState(process.pid)?.started };
}

/** What can be said of another process from where this one runs. */
export function livenessOf({ pid, machine, started }: ProcessIdentity, here: string = thisMachine()): Liveness {
  if (machine !== here) return "elsewhere";
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "dead";
  }
  const state = processState(pid);
  if (state === undefined) return "running"; // another user's process, or a system that does not tell
  if (started !== undefined && state.started !== started) return "dead"; // the number went to a later process
  if (state.letter === "Z" || state.letter === "X") return "dead";
  return state.letter === "T" ? "stopped" : "running";
}

/** State letter and start time (clock ticks after boot) of a process, on Linux (proc_pid_stat(5), fields 3 and 22). */
function processState(pid: number): { letter: string; started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // the command's name may hold anything
    return { letter: fields[0]!, started: fields[19]! };
  } catch {
    return undefined;
  }
}

function thisMachine(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}
