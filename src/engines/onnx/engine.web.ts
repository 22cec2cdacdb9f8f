// The ONNX engine for browsers: traced graphs on onnxruntime-web, by WebAssembly or WebGPU. It never falls back from one to the other.
import type * as Ort from "onnxruntime-web";
import { ConfigError, messageOf, NotFoundError } from "../../base/errors.ts";
import { encodeModel } from "../../formats/onnx/encode.ts";
import type { Engine } from "../../ops/program.ts";
import { checkedPrepare, type Prepare } from "./quantisation-check.ts";
import { trace } from "./trace.ts";
import { readExternals, runSession } from "./values.ts";
import type { OnnxDtype } from "./weight-forms.ts";

/** What runs a model in a browser: WebAssembly on the CPU, or WebGPU. */
export type WebBackend = "wasm" | "webgpu";

/** How onnxruntime-web is started. */
export interface WebEngineOptions {
  backend?: WebBackend;
  /** Number format of the weights; "q8" and "q4" also quantise activations at run time. Default fp32. */
  dtype?: OnnxDtype;
  /** Threads of WebAssembly; by default as many as there are cores, at most 8. The first engine of a page decides. */
  threads?: number;
  /** Address of the folder with onnxruntime-web's `ort-wasm-*.mjs` and `.wasm` files; by default the folder of the bundle. */
  runtimeFiles?: string;
}

/** The ONNX engine of a browser, with its backend and threads. */
export interface WebEngine extends Engine {
  readonly backend: WebBackend;
  /** Threads that WebAssembly computes with. */
  readonly threads: number;
}

/** Whether WebAssembly may use threads. Threads need shared memory, which needs a page served with COOP and COEP headers; without them there
 *  is one thread and no error. */
export const threadsAllowed = (): boolean => globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer !== "undefined";

/** Starts the runtime. @throws NotFoundError when WebGPU is asked for and there is none, or the runtime's files can't be fetched. */
export async function webEngine(options: WebEngineOptions = {}): Promise<WebEngine> {
  const { backend = "wasm", dtype = "fp32" } = options;
  if (backend === "webgpu") await gpuAdapter();
  const { ort, threads, inTurn } = await runtimeFor(backend, options);
  const prepare: Prepare = async (program, weights, traceOptions) => {
    const traced = trace(program, traceOptions);
    const externalData = await readExternals(traced, program, weights);
    const session = await inTurn(() =>
      ort.InferenceSession.create(encodeModel(traced.model), {
        externalData,
        // One provider only: with a list, the runtime would fall back to the next silently.
        executionProviders: [backend],
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
      }),
    );
    return {
      run: (inputs) => inTurn(() => runSession(ort.Tensor, session, inputs)),
      dispose: () => inTurn(() => session.release()),
    };
  };
  return {
    name: "onnx",
    backend,
    threads,
    prepare: checkedPrepare(dtype, prepare),
  };
}

/** The adapter of the GPU. @throws NotFoundError that says why there is none. */
export async function gpuAdapter(): Promise<GPUAdapter> {
  const gpu = globalThis.navigator?.gpu as GPU | undefined;
  if (!gpu) throw new NotFoundError('This browser has no WebGPU here (it needs https or localhost). Use backend: "wasm".');
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new NotFoundError('This browser knows WebGPU but has no adapter for it on this machine. Use backend: "wasm".');
  return adapter;
}

interface Runtime {
  readonly ort: typeof Ort;
  readonly threads: number;
  /** Runs one task at a time: the runtime refuses calls that overlap. */
  readonly inTurn: <R>(work: () => Promise<R>) => Promise<R>;
}

const runtimes: Partial<Record<WebBackend, Promise<Runtime>>> = {};

/** The runtime with WebGPU also runs WebAssembly, so where it is already started the other is not fetched. */
function runtimeFor(backend: WebBackend, options: WebEngineOptions): Promise<Runtime> {
  const key = backend === "wasm" && runtimes.webgpu ? "webgpu" : backend;
  const running = runtimes[key];
  if (running) return running;
  const started = startRuntime(key, options);
  runtimes[key] = started;
  started.catch(() => delete runtimes[key]);
  return started;
}

async function startRuntime(backend: WebBackend, { threads = Math.min(8, navigator.hardwareConcurrency), runtimeFiles }: WebEngineOptions) {
  if (!Number.isInteger(threads) || threads < 1) throw new ConfigError(`threads is ${threads}; give a whole number of 1 or more.`);
  // The package has two builds with WebGPU. This one ("jsep") runs float64 on the CPU, which the group norm's moments need;
  // "onnxruntime-web/webgpu" 1.30 has no float64 and refuses the graph: "Could not find an implementation for Cast(19)".
  const ort = await (backend === "webgpu" ? import("onnxruntime-web") : import("onnxruntime-web/wasm"));
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = threadsAllowed() ? threads : 1;
  if (runtimeFiles !== undefined) ort.env.wasm.wasmPaths = String(new URL(`${runtimeFiles.replace(/\/$/, "")}/`, location.href));
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <R>(work: () => Promise<R>): Promise<R> => {
    const next = last.then(work, work).catch((error: unknown) => {
      throw missingFiles(error) ?? error;
    });
    last = next.catch(() => {});
    return next;
  };
  return { ort, threads: ort.env.wasm.numThreads, inTurn };
}

/** The runtime's errors about files that it can't fetch, with what to do about them. */
function missingFiles(error: unknown): NotFoundError | undefined {
  const words = messageOf(error).replace(/\.$/, "");
  if (!/failed to fetch|dynamically imported module|error loading script|status 404|\.wasm|\.mjs/i.test(words)) return undefined;
  return new NotFoundError(
    `onnxruntime-web found no runtime (${words}). Serve the ort-wasm-* files of its dist folder and give their folder's address as runtimeFiles.`,
    { cause: error },
  );
}
