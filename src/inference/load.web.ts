// Loading in the browser: a model's folder behind an address, or the files a user picked, becomes an encoder that says what runs it.
import { type ByteSource, blobSource } from "../base/byte-source.ts";
import { ConfigError, messageOf, NotFoundError } from "../base/errors.ts";
import { type HttpSourceOptions, httpSource } from "../base/http-source.ts";
import { openCheckpoint } from "../checkpoint/read.ts";
import { checkpointWeights } from "../checkpoint/weights.ts";
import { gpuAdapter, threadsAllowed, type WebBackend, type WebEngineOptions, webEngine } from "../engines/onnx/engine.web.ts";
import type { OnnxDtype } from "../engines/onnx/weight-forms.ts";
import type { Architecture } from "../models/index.ts";
import type { WeightReader } from "../ops/program.ts";
import type { Comparison } from "./compare.ts";
import { describeModel, type InputNorm } from "./describe.ts";
import { createEncoder, type Encoder, type Padding } from "./encoder.ts";
import { startHeld } from "./held-backend.ts";
import type { InputNormalisation } from "./input-normalisation.ts";

/** How a model is run in a browser. */
export interface WebLoadOptions extends Pick<WebEngineOptions, "threads" | "runtimeFiles"> {
  /** "auto" takes WebGPU where there is a hardware adapter whose answer equals WebAssembly's, and WebAssembly elsewhere. */
  backend?: "auto" | WebBackend;
  /** Number format of the weights; default fp32. */
  dtype?: OnnxDtype;
  /** Whether input is brought to zero mean and unit variance; default "auto", what the model was trained with. */
  inputNorm?: InputNorm;
  /** How clips of different lengths share a batch. */
  padding?: Padding;
  /** Whether the model is run on a probe and held to WebAssembly in fp32; by default where WebGPU runs. It loads the weights twice. */
  compare?: boolean;
  /** Receives what the user should know: a fallback and its reason, threads that are off. Default console.warn. */
  warn?: (message: string) => void;
}

/** A loaded model, and what runs it. */
export interface WebModel extends Encoder {
  readonly name: string;
  readonly architecture: Architecture;
  readonly backend: WebBackend;
  /** Why this backend, in words. */
  readonly backendReason: string;
  /** Threads of WebAssembly. */
  readonly threads: number;
  readonly dtype: OnnxDtype;
  readonly inputNormalisation: InputNormalisation;
  /** Against WebAssembly in fp32, on half a second; where it was made. */
  readonly comparison?: Comparison;
}

/** Loads a model from the folder at an address: config.json, preprocessor_config.json where there is one, and model.safetensors or
 *  pytorch_model.bin, whose tensors are read by ranges when they are needed.
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

/** Loads a model from files that a user picked or dropped, told apart by their names. @throws as `loadModelFromUrl` does. */
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
  const plan = await planBackend(options.backend ?? "auto");
  const compare = options.compare ?? plan.backend === "webgpu";
  const read = compare ? remembering(weights) : { ...weights, stop: () => {} };
  const { encoder, backend, reason, comparison } = await startHeld({
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

/** Which backend to try, and why. @throws NotFoundError when WebGPU is asked for by name and there is none. */
async function planBackend(asked: "auto" | WebBackend): Promise<{ backend: WebBackend; reason: string }> {
  if (asked !== "auto" && asked !== "wasm" && asked !== "webgpu") {
    throw new ConfigError(`backend is ${JSON.stringify(asked)}; give "auto", "wasm" or "webgpu".`);
  }
  if (asked === "wasm") return { backend: "wasm", reason: "asked for" };
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

/** Weights read once for two sessions that want the same; after `stop` nothing is held. */
function remembering(weights: WeightReader): WeightReader & { stop(): void } {
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

/** JSON of a small file; undefined where there is none. Servers of single pages answer with a web page for what isn't there. */
async function readJson(source: ByteSource | undefined): Promise<Record<string, unknown> | undefined> {
  if (!source) return undefined;
  const text = new TextDecoder().decode(await source.read(0, source.size));
  if (/^\s*</.test(text)) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`${source.name} is not JSON (${messageOf(error)}). Fetch it again.`);
  }
}
