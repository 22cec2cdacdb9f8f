// The ONNX engine in the browser: traced graphs on onnxruntime-web, by WebAssembly or WebGPU. Which of the two runs is never silent.
import type * as Ort from "onnxruntime-web";
import { ConfigError, messageOf, NotFoundError } from "../../base/errors.ts";
import { encodeModel } from "../../formats/onnx/encode.ts";
import type { Engine, Program, Session, WeightReader } from "../../ops/program.ts";
import { trace } from "./trace.ts";
import { readExternals, runSession } from "./values.ts";
import type { OnnxDtype } from "./weight-forms.ts";

/** What computes in a browser: WebAssembly on the CPU, or WebGPU. */
export type WebBackend = "wasm" | "webgpu";

/** How onnxruntime-web is started. */
export interface WebEngineOptions {
  backend?: WebBackend;
  /** Of the weights; "q8" and "q4" also quantise activations as they come. Default fp32. */
  dtype?: OnnxDtype;
  /** Threads of WebAssembly; as many as there are cores, at most 8. Decided once a page, by the first engine. */
  threads?: number;
  /** Address of the folder that holds onnxruntime-web's own `ort-wasm-*.mjs` and `.wasm`; beside the bundle by default. */
  runtimeFiles?: string;
}

/** The ONNX engine of a browser, and what it runs on. */
export interface WebEngine extends Engine {
  readonly backend: WebBackend;
  /** Threads that WebAssembly computes with. */
  readonly threads: number;
}

/** Threads need shared memory, and that needs a page served with COOP and COEP headers; without them there is one, and no error. */
export const threadsAllowed = (): boolean => globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer !== "undefined";

/** Readies the runtime. @throws NotFoundError when WebGPU is asked for and there is none, or the runtime's files can't be had. */
export async function webEngine(options: WebEngineOptions = {}): Promise<WebEngine> {
  const { backend = "wasm", dtype = "fp32" } = options;
  if (backend === "webgpu") await gpuAdapter();
  const { ort, threads, inTurn } = await runtimeFor(backend, options);
  return {
    name: "onnx",
    backend,
    threads,
    async prepare(program: Program, weights: WeightReader): Promise<Session> {
      const traced = trace(program, { dtype });
      const externalData = await readExternals(traced, program, weights);
      const session = await inTurn(() =>
        ort.InferenceSession.create(encodeModel(traced.model), {
          externalData,
          // One provider alone: with a list, the runtime would move on to the next without a word.
          executionProviders: [backend],
          graphOptimizationLevel: "all",
          logSeverityLevel: 3,
        }),
      );
      return {
        run: (inputs) => inTurn(() => runSession(ort.Tensor, session, inputs)),
        dispose: () => inTurn(() => session.release()),
      };
    },
  };
}

/** The GPU's adapter. @throws NotFoundError saying why there is none. */
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
  /** Runs one thing at a time: the runtime refuses calls that overlap. */
  readonly inTurn: <R>(work: () => Promise<R>) => Promise<R>;
}

const runtimes: Partial<Record<WebBackend, Promise<Runtime>>> = {};

/** The runtime with WebGPU also computes by WebAssembly, so where it is there already the other isn't fetched. */
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
  // Of the package's two builds with WebGPU this one ("jsep") computes float64 on the CPU beside it, which the group norm's moments need;
  // "onnxruntime-web/webgpu" 1.30 knows no float64 at all and refuses the graph: "Could not find an implementation for Cast(19)".
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

/** The runtime's own words for files it can't fetch help nobody. */
function missingFiles(error: unknown): NotFoundError | undefined {
  const words = messageOf(error).replace(/\.$/, "");
  if (!/failed to fetch|dynamically imported module|error loading script|status 404|\.wasm|\.mjs/i.test(words)) return undefined;
  return new NotFoundError(
    `onnxruntime-web found no runtime (${words}). Serve the ort-wasm-* files of its dist folder and give their folder's address as runtimeFiles.`,
    { cause: error },
  );
}
