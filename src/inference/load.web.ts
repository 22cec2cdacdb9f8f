// Loading in the browser: an encoder from a model's folder at a URL, or from files that the user picked.
import { type ByteSource, blobSource } from "../base/byte-source.ts";
import { ConfigError, messageOf, NotFoundError } from "../base/errors.ts";
import { type HttpSourceOptions, httpSource } from "../base/http-source.ts";
import { parseJson } from "../base/json.ts";
import { openCheckpoint } from "../checkpoint/read.ts";
import { checkpointWeights } from "../checkpoint/weights.ts";
import { gpuAdapter, threadsAllowed, type WebBackend, type WebEngineOptions, webEngine } from "../engines/onnx/engine.web.ts";
import type { OnnxDtype } from "../engines/onnx/weight-forms.ts";
import type { Architecture } from "../models/index.ts";
import type { WeightReader } from "../ops/program.ts";
import type { Comparison } from "./compare.ts";
import { describeModel, type InputNorm } from "./describe.ts";
import { createEncoder, type Encoder, type Padding } from "./encoder.ts";
import type { InputNormalisation } from "./input-normalisation.ts";
import { startVerified } from "./verified-backend.ts";

/** Options of `loadModelFromUrl` and `loadModelFromFiles`. */
export interface WebLoadOptions extends Pick<WebEngineOptions, "threads" | "runtimeFiles"> {
  /** Default "auto": WebGPU where there is a hardware adapter and its results match WebAssembly's, else WebAssembly. */
  backend?: "auto" | WebBackend;
  /** Number format of the weights; default fp32. */
  dtype?: OnnxDtype;
  /** Whether input is brought to zero mean and unit variance; default "auto", what the model was trained with. */
  inputNorm?: InputNorm;
  /** How clips of different lengths share a batch. */
  padding?: Padding;
  /** Whether the model's results on a probe are compared with WebAssembly's in fp32; default: where WebGPU runs. It loads the weights twice. */
  compare?: boolean;
  /** Receives warnings: a fallback and its reason, unavailable threads. Default console.warn. */
  warn?: (message: string) => void;
}

/** A loaded model, and the backend that runs it. */
export interface WebModel extends Encoder {
  readonly name: string;
  readonly architecture: Architecture;
  readonly backend: WebBackend;
  /** Why this backend was chosen. */
  readonly backendReason: string;
  /** The number of WebAssembly threads. */
  readonly threads: number;
  readonly dtype: OnnxDtype;
  readonly inputNormalisation: InputNormalisation;
  /** The comparison with WebAssembly in fp32 on half a second of audio, where it was made. */
  readonly comparison?: Comparison;
}

/** Loads a model from the folder at a URL: config.json, preprocessor_config.json where there is one, and model.safetensors or
 *  pytorch_model.bin, whose tensors are read by range requests when they are needed.
 *  @throws NotFoundError, HubError, FormatError or ConfigError, each saying what was found and what to do. */
export function loadModelFromUrl(folder: string | URL, options: WebLoadOptions & { http?: HttpSourceOptions } = {}): Promise<WebModel> {
  const base = new URL(folder, globalThis.location?.href);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const open = async (name: string) => {
    try {
      return await httpSource(new URL(name, base), options.http);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  };
  return load(String(base), open, options);
}

/** Loads a model from files that the user picked or dropped, recognised by their names. @throws as `loadModelFromUrl`. */
export function loadModelFromFiles(files: Iterable<File>, options: WebLoadOptions = {}): Promise<WebModel> {
  const byName = new Map(Array.from(files, (file) => [file.name, file] as const));
  const open = async (name: string) => {
    const file = byName.get(name);
    return file && blobSource(file, name);
  };
  return load("the files given", open, options);
}

type Open = (name: string) => Promise<ByteSource | undefined>;

async function load(name: string, open: Open, options: WebLoadOptions): Promise<WebModel> {
  const { dtype = "fp32", warn = console.warn } = options;
  const config = await readJson(await open("config.json"));
  if (!config) throw new NotFoundError(`${name} has no config.json. Give the folder of a model in Hugging Face's layout.`);
  const preprocessor = await readJson(await open("preprocessor_config.json"));
  const source = (await open("model.safetensors")) ?? (await open("pytorch_model.bin"));
  if (!source) throw new NotFoundError(`${name} has neither model.safetensors nor pytorch_model.bin. Shards must be joined into one file.`);
  const file = await openCheckpoint(source);
  const { architecture, inputNormalisation, attentionMask } = describeModel({ name, config, preprocessor }, file, options.inputNorm);
  const weights = checkpointWeights(file, architecture.keys);

  const encoderOptions = { normaliseInput: inputNormalisation.on, padding: options.padding ?? ("exact" as const), attentionMask };
  const plan = await planBackend(options.backend ?? "auto", dtype);
  if (plan.backend === "webgpu" && dtype === "q8") {
    warn(
      "onnxruntime-web computes 8-bit products in WebAssembly, with copies to and from WebGPU. Use the backend wasm, or the dtype fp16.",
    );
  }
  const compare = options.compare ?? plan.backend === "webgpu";
  const read = compare ? cached(weights) : { ...weights, stop: () => {} };
  const { encoder, backend, reason, comparison } = await startVerified({
    ...plan,
    dtype,
    compare,
    warn,
    async start(on, format) {
      const engine = await webEngine({ ...options, backend: on, dtype: format });
      return { ...createEncoder(architecture.model, engine, read, encoderOptions), threads: engine.threads };
    },
  });
  read.stop();
  if (!threadsAllowed()) warn("WebAssembly runs in one thread: serve the page with Cross-Origin-Opener-Policy and -Embedder-Policy.");
  return { ...encoder, name, architecture, backend, backendReason: reason, dtype, inputNormalisation, ...(comparison && { comparison }) };
}

/** The backend to try first, and why. @throws NotFoundError when WebGPU is requested and there is none. */
async function planBackend(asked: "auto" | WebBackend, dtype: OnnxDtype): Promise<{ backend: WebBackend; reason: string }> {
  if (asked !== "auto" && asked !== "wasm" && asked !== "webgpu") {
    throw new ConfigError(`backend is ${JSON.stringify(asked)}; give "auto", "wasm" or "webgpu".`);
  }
  if (asked === "wasm") return { backend: "wasm", reason: "asked for" };
  if (asked === "auto" && dtype === "q8") return { backend: "wasm", reason: "8-bit products have no WebGPU kernels" };
  try {
    const { info } = await gpuAdapter();
    const what = [info.vendor, info.architecture, info.description].filter(Boolean).join(" ") || "an adapter";
    if (asked === "auto" && info.isFallbackAdapter) return { backend: "wasm", reason: `WebGPU has only software (${what})` };
    return { backend: "webgpu", reason: `${asked === "auto" ? "there is a GPU" : "asked for"}: ${what}` };
  } catch (error) {
    if (asked === "webgpu") throw error;
    return { backend: "wasm", reason: messageOf(error).replace(/ Use backend: .*$/, "") };
  }
}

/** Caches tensors that two sessions read; `stop` empties and disables the cache. */
function cached(weights: WeightReader): WeightReader & { stop(): void } {
  const held = new Map<string, ReturnType<WeightReader["read"]>>();
  let stopped = false;
  return {
    read(name) {
      const tensor = held.get(name) ?? weights.read(name);
      if (!stopped) held.set(name, tensor);
      return tensor;
    },
    stop() {
      stopped = true;
      held.clear();
    },
  };
}

/** Parses a small JSON file; undefined where there is none. Servers of single-page apps answer with a web page for a missing file. */
async function readJson(source: ByteSource | undefined): Promise<Record<string, unknown> | undefined> {
  if (!source) return undefined;
  if (source.size > 2 ** 24) throw new ConfigError(`${source.name} has ${source.size} bytes, more than a configuration may have.`);
  const text = new TextDecoder().decode(await source.read(0, source.size));
  if (/^\s*</.test(text)) return undefined;
  return parseJson(text, source.name) as Record<string, unknown>;
}
