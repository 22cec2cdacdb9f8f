// Worker pool: run jobs off the main thread; a worker that crashes, hangs or is aborted is replaced, and only its job fails.
import { availableParallelism } from "node:os";
import { parentPort, type Transferable, Worker } from "node:worker_threads";
import { messageOf, OstinatoError } from "./errors.ts";

/** What is left of an error that crossed a thread: its own fields, without its class. */
export interface ThrownInWorker {
  readonly name: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface RunOptions<Part> {
  /** Called with each part that the job emits; the worker goes on at most one part ahead of the promise it returns. */
  readonly onPart?: (part: Part) => void | Promise<void>;
  /** Ends the job: its worker is terminated, and `run` rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: readonly Transferable[];
}

export interface WorkerPool<Job, Result, Part = never> {
  /** @throws what the job threw (see `revive`), an OstinatoError when its worker died or stalled, the reason when aborted. */
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
 *  `…/src/audio/decode.node.ts` + "./decode-worker.node.js" → `…/dist/audio/decode-worker.node.js`. */
export function workerUrl(moduleUrl: string, relative: string): URL {
  const built = moduleUrl.endsWith(".ts") ? moduleUrl.replace(/\/src\/(?!.*\/src\/)/, "/dist/") : moduleUrl;
  return new URL(relative, built);
}

interface Task<Job, Result, Part> {
  readonly job: Job;
  readonly options: RunOptions<Part>;
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

type FromWorker<Result, Part> = { part: Part } | { result: Result } | { thrown: ThrownInWorker };

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
      clearTimeout(timer);
      timer = setTimeout(
        () => fail(new OstinatoError(`A worker made no progress for ${stallSeconds} s and was stopped.`)),
        stallSeconds * 1000,
      );
    };
    const release = () => {
      clearTimeout(timer);
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
      clearTimeout(timer);
      const taken = () => {
        if (!all.has(worker)) return;
        watch();
        worker.postMessage({ taken: true });
      };
      Promise.resolve(onPart?.(message.part)).then(taken, fail);
    };
    const onError = (error: unknown) => fail(new OstinatoError(`A worker crashed: ${messageOf(error)}`, { cause: error }));
    const onExit = (code: number) => fail(new OstinatoError(`A worker ended in the middle of its job (exit code ${code}).`));
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

function plainError({ name, message }: ThrownInWorker): Error {
  return Object.assign(new OstinatoError(message), { name });
}

/** What a job gives back, and which of its buffers move instead of being copied. */
export interface Handed<T> {
  readonly value: T;
  readonly transfer?: readonly Transferable[];
}

/** The worker's side: answers each job with `handle`. `emit` sends a part and resolves when there is room for another. */
export function serveJobs<Job, Result, Part = never>(
  handle: (job: Job, emit: (part: Part, transfer?: readonly Transferable[]) => Promise<void>) => Promise<Handed<Result>>,
): void {
  const port = parentPort;
  if (port === null) throw new OstinatoError("serveJobs runs inside a worker thread only.");
  let taken: () => void = () => {};
  let room: Promise<void> = Promise.resolve();
  const emit = async (part: Part, transfer: readonly Transferable[] = []) => {
    await room;
    room = new Promise((resolve) => {
      taken = resolve;
    });
    port.postMessage({ part }, transfer);
  };
  const answer = async (job: Job) => {
    room = Promise.resolve();
    try {
      const { value, transfer = [] } = await handle(job, emit);
      await room;
      port.postMessage({ result: value }, transfer);
    } catch (error) {
      port.postMessage({ thrown: { ...(error as object), name: (error as Error).name, message: messageOf(error) } });
    }
  };
  port.on("message", (message: { job: Job } | { taken: true }) => {
    if ("taken" in message) taken();
    else void answer(message.job);
  });
}
