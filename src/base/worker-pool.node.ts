// Worker pool: run jobs off the main thread; a worker that crashes, hangs or is aborted is replaced, and only its job fails.
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parentPort, type Transferable, Worker } from "node:worker_threads";
import { messageOf, NotFoundError, OstinatoError } from "./errors.ts";
import { requireFrom } from "./require.node.ts";

/** What is left of an error that crossed a thread: its own fields, without its class. */
export interface ThrownInWorker {
  readonly name: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A worker was lost in the middle of a job: it crashed, hung or ended. Another takes its place. */
export class WorkerLostError extends OstinatoError {
  override readonly code: string = "OSTINATO_WORKER_LOST";
}

export interface RunOptions<Part> {
  /** Called with each part that the job emits; the worker goes on at most one part ahead of the promise it returns. `false`
   *  tells the job that no more is wanted. */
  readonly onPart?: (part: Part) => boolean | Promise<boolean>;
  /** Ends the job: its worker is terminated, and `run` rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: readonly Transferable[];
}

export interface WorkerPool<Job, Result, Part = never> {
  /** @throws what the job threw (see `revive`), WorkerLostError when its worker died or hung, the reason when aborted. */
  run(job: Job, options?: RunOptions<Part>): Promise<Result>;
  /** Terminates every worker; waiting jobs reject. */
  close(): Promise<void>;
}

export interface PoolOptions {
  /** The worker's compiled JavaScript, see `workerUrl`. */
  readonly url: URL;
  readonly size?: number;
  /** A worker that is silent for so long, with nothing waiting on our side, counts as hung. */
  readonly stallSeconds?: number;
  /** Gives an error from the worker its class back. */
  readonly revive?: (thrown: ThrownInWorker) => Error;
}

/** The compiled worker beside a module. Threads need JavaScript, so from TypeScript source (tests) it is the build's file:
 *  `…/src/audio/decode.node.ts` + "./decode-worker.node.js" → `…/dist/audio/decode-worker.node.js`. In a bundle, which has no such file beside it,
 *  it is that of the installed package.
 *  @param moduleUrl the module's `import.meta.url`, which bundles in CommonJS leave undefined.
 *  @throws NotFoundError in a bundle where the package is not installed. */
export function workerUrl(moduleUrl: string | undefined, relative: string): URL {
  const built = moduleUrl?.endsWith(".ts") ? moduleUrl.replace(/\/src\/(?!.*\/src\/)/, "/dist/") : moduleUrl;
  if (built !== undefined) {
    const beside = new URL(relative, built);
    // A build that is missing is reported by the thread; only JavaScript may be a bundle.
    if (moduleUrl!.endsWith(".ts") || existsSync(beside)) return beside;
  }
  const name = relative.slice(relative.lastIndexOf("/") + 1);
  try {
    const dist = join(dirname(requireFrom(moduleUrl).resolve("ostinato/package.json")), "dist");
    const [file] = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((path) => basename(path) === name);
    if (file !== undefined) return pathToFileURL(join(dist, file));
  } catch {
    // Reported below.
  }
  throw new NotFoundError(
    `The worker ${name} is not beside this bundle, and the package ostinato is not installed. Install it, and keep it and onnxruntime-node out of the bundle (esbuild: --external:ostinato --external:onnxruntime-node; Vite: ssr.external; Next.js: serverExternalPackages).`,
  );
}

interface Task<Job, Result, Part> {
  readonly job: Job;
  readonly options: RunOptions<Part>;
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

type FromWorker<Result, Part> = { alive: true } | { part: Part } | { result: Result } | { thrown: ThrownInWorker };

/** Silence is counted in ticks of this thread's event loop. While the loop is blocked, or the process suspended, messages of a worker that
 *  makes progress wait unread, and the clock must not count that against the worker. */
const stallTicks = 10;

/** A pool of workers, started when first needed. Idle workers do not keep the process alive. */
export function workerPool<Job, Result, Part = never>(options: PoolOptions): WorkerPool<Job, Result, Part> {
  const { url, size = availableParallelism(), stallSeconds = 120, revive = plainError } = options;
  const waiting: Task<Job, Result, Part>[] = [];
  const idle: Worker[] = [];
  const all = new Set<Worker>();

  const spawn = (): Worker => {
    const worker = new Worker(url);
    all.add(worker);
    worker.on("error", () => {}); // the running job, if any, listens for itself
    worker.once("exit", () => forget(worker));
    return worker;
  };
  const forget = (worker: Worker) => {
    all.delete(worker);
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
  };
  const next = () => {
    while (waiting.length > 0 && (idle.length > 0 || all.size < size)) perform(waiting.shift()!, idle.pop() ?? spawn());
  };

  const perform = (task: Task<Job, Result, Part>, worker: Worker) => {
    const { onPart, signal, transfer = [] } = task.options;
    let timer: NodeJS.Timeout | undefined;
    const watch = () => {
      clearInterval(timer);
      let ticks = 0;
      const tick = () => {
        if (++ticks === stallTicks) fail(new WorkerLostError(`A worker made no progress for ${stallSeconds} s and was stopped.`));
      };
      timer = setInterval(tick, (1000 * stallSeconds) / stallTicks);
    };
    const release = () => {
      clearInterval(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      signal?.removeEventListener("abort", onAbort);
    };
    const finish = (settle: () => void) => {
      release();
      worker.unref();
      idle.push(worker);
      settle();
      next();
    };
    const fail = (reason: unknown) => {
      release();
      forget(worker);
      void worker.terminate();
      task.reject(reason);
      next();
    };
    const onMessage = (message: FromWorker<Result, Part>) => {
      if ("result" in message) return finish(() => task.resolve(message.result));
      if ("thrown" in message) return finish(() => task.reject(revive(message.thrown)));
      if ("alive" in message) return watch();
      clearInterval(timer); // our turn: the worker may be waiting for us
      const taken = (more: boolean) => {
        if (!all.has(worker)) return;
        watch();
        worker.postMessage({ more });
      };
      Promise.resolve(onPart?.(message.part) ?? true).then(taken, fail);
    };
    const onError = (error: unknown) => fail(new WorkerLostError(`A worker crashed: ${messageOf(error)}`, { cause: error }));
    const onExit = (code: number) => fail(new WorkerLostError(`A worker ended in the middle of its job (exit code ${code}).`));
    const onAbort = () => fail(signal?.reason);

    if (signal?.aborted) {
      worker.unref();
      idle.push(worker);
      return task.reject(signal.reason);
    }
    signal?.addEventListener("abort", onAbort);
    worker.ref();
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    watch();
    worker.postMessage({ job: task.job }, transfer);
  };

  return {
    run: (job, runOptions = {}) =>
      new Promise((resolve, reject) => {
        waiting.push({ job, options: runOptions, resolve, reject });
        next();
      }),
    close: async () => {
      for (const task of waiting.splice(0)) task.reject(new OstinatoError("The worker pool was closed."));
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}

function plainError({ name, message, code }: ThrownInWorker): Error {
  return Object.assign(new OstinatoError(message), { name, ...(typeof code === "string" && { code }) });
}

/** What a job gives back, and which of its buffers move instead of being copied. */
export interface Handed<T> {
  readonly value: T;
  readonly transfer?: readonly Transferable[];
}

/** What a job may do while it runs, in the worker. */
export interface JobContext<Part> {
  /** Sends a part once the one before it was taken. Resolves to whether more is wanted. */
  emit(part: Part, transfer?: readonly Transferable[]): Promise<boolean>;
  /** Says that a long job makes progress, so that it does not count as hung. */
  alive(): void;
}

/** The worker's side of a pool: answers each job with `handle`. */
export function serveJobs<Job, Result, Part = never>(handle: (job: Job, cx: JobContext<Part>) => Promise<Handed<Result>>): void {
  const port = parentPort;
  if (port === null) throw new OstinatoError("serveJobs runs inside a worker thread only.");
  let taken: (more: boolean) => void = () => {};
  let room = Promise.resolve(true);
  const cx: JobContext<Part> = {
    emit: async (part, transfer = []) => {
      if (!(await room)) return false;
      room = new Promise((resolve) => {
        taken = resolve;
      });
      port.postMessage({ part }, transfer);
      return true;
    },
    alive: () => port.postMessage({ alive: true }),
  };
  const answer = async (job: Job) => {
    room = Promise.resolve(true);
    try {
      const { value, transfer = [] } = await handle(job, cx);
      await room; // every part was taken
      port.postMessage({ result: value }, transfer);
    } catch (error) {
      await room;
      port.postMessage({ thrown: plainThrown(error) });
    }
  };
  port.on("message", (message: { job: Job } | { more: boolean }) => {
    if ("more" in message) taken(message.more);
    else void answer(message.job);
  });
}

/** An error's own plain fields; anything else might not cross the thread. */
export function plainThrown(error: unknown): ThrownInWorker {
  const fields = error instanceof OstinatoError ? Object.entries(error).filter(([, value]) => typeof value !== "object") : [];
  return { ...Object.fromEntries(fields), name: error instanceof Error ? error.name : "Error", message: messageOf(error) };
}
