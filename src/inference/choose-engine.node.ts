// Choosing an engine: which of those that are there runs a model fastest in the dtype asked for.
import { readFileSync } from "node:fs";
import type { ModelDtype } from "../base/dtypes.ts";
import { ConfigError, messageOf, NotFoundError } from "../base/errors.ts";
import { requireFrom } from "../base/require.node.ts";
import { type OnnxEngineOptions, onnxEngine } from "../engines/onnx/engine.node.ts";
import { onnxModelDtypes } from "../engines/onnx/weight-forms.ts";
import { torchEngine } from "../engines/torch/engine.ts";
import { answeringGpus } from "../engines/torch/gpus.ts";
import { missingLibtorch, type Search, searchLibtorch } from "../engines/torch/locate.ts";
import { type OpenOptions, openTorch, type Runtime } from "../engines/torch/runtime.ts";
import type { Engine } from "../ops/program.ts";

export interface EngineOptions {
  /** "auto" takes the fastest that works here: libtorch for a GPU that answers and for bfloat16, ONNX Runtime for the rest. */
  readonly engine?: "auto" | "onnx" | "torch" | Engine | undefined;
  /** "cpu", "cuda" or "cuda:1"; by default a GPU where the engine finds one. */
  readonly device?: string | undefined;
  /** Default "fp32", which is exact. The engines' own: onnx fp32, fp16 (stored), q8, q4; torch fp32, bf16, and fp16 on a GPU. */
  readonly dtype?: ModelDtype | undefined;
  /** Threads of one operator; all cores by default. */
  readonly threads?: number | undefined;
  /** Told when the libtorch addon has to be compiled first. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface ChosenEngine {
  readonly engine: Engine;
  readonly version: string;
  readonly dtype: ModelDtype;
}

/** What libtorch calls the dtypes that it runs. */
const torchDtypes = { fp32: "float32", bf16: "bfloat16", fp16: "float16" } as const;

const torchNames = Object.keys(torchDtypes) as (keyof typeof torchDtypes)[];

/** What the choice depends on beside the options. Tests replace it. */
export interface EngineHost {
  /** Names of the GPUs that answer. */
  gpus(): readonly string[];
  searchLibtorch(): Search;
  /** Builds the addon where needed, loads libtorch and opens the device. */
  openTorch(options: OpenOptions): Promise<Runtime>;
}

const thisHost: EngineHost = { gpus: answeringGpus, searchLibtorch, openTorch };

/** Opens the engine that the options ask for; "auto" takes the fastest that works here.
 *  @throws ConfigError where the engine lacks the dtype or device; NotFoundError and BuildError where libtorch is asked for and can't run. */
export async function chooseEngine(
  options: EngineOptions,
  { spin = true }: Pick<OnnxEngineOptions, "spin"> = {},
  host: EngineHost = thisHost,
): Promise<ChosenEngine> {
  const { engine = "auto", device, dtype = "fp32" } = options;
  if (typeof engine === "object") return { engine, version: "unknown", dtype };
  if (device !== undefined && device !== "cpu" && !isGpu(device)) {
    throw new ConfigError(`The device ${device} is not available in Node; there are cpu and cuda (webgpu runs in the browser).`);
  }
  const needsTorch = engine === "torch" || (engine === "auto" && (isGpu(device) || dtype === "bf16"));
  if (needsTorch) return openTorchEngine(options, host);
  if (engine === "auto" && device === undefined && isOneOf(torchNames, dtype)) {
    const onGpu = await tryGpu(options, host);
    if (onGpu) return onGpu;
  }
  if (isGpu(device)) throw new ConfigError("The engine onnx runs on the CPU here. For a GPU use the engine torch.");
  if (!isOneOf(onnxModelDtypes, dtype)) throw unsupported("onnx", onnxModelDtypes, dtype, "torch");
  const threads = options.threads;
  return { engine: onnxEngine({ ...(threads !== undefined && { threads }), spin, dtype }), version: onnxVersion(), dtype };
}

/** Opens libtorch. The addon is built and the device opened here, so that what is missing is one error, before any audio is read. */
async function openTorchEngine(options: EngineOptions, host: EngineHost): Promise<ChosenEngine> {
  const { device, dtype = "fp32", threads } = options;
  if (!isOneOf(torchNames, dtype)) throw unsupported("torch", torchNames, dtype, "onnx");
  const search = host.searchLibtorch();
  const libtorch = search.found ?? missingLibtorch(search);
  if (isGpu(device) && !libtorch.cuda) {
    throw new NotFoundError(
      `The device ${device} needs a CUDA build of libtorch, but libtorch ${libtorch.version} in ${libtorch.libraries} is a CPU build. Choose --device cpu, or set LIBTORCH or OSTINATO_PYTHON to a CUDA build.`,
    );
  }
  const opening: OpenOptions = {
    libtorch,
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(options.onNotice && { onStart: options.onNotice }),
  };
  const runtime = await host.openTorch(opening);
  if (dtype === "fp16" && !isGpu(runtime.device)) {
    throw new ConfigError("The engine torch computes fp16 on a GPU alone. On the CPU use bf16, or the engine onnx.");
  }
  const engine = torchEngine({ ...opening, device: runtime.device, dtype: torchDtypes[dtype] });
  return { engine, version: runtime.version, dtype };
}

/** libtorch on a GPU, where one answers, or undefined. A CUDA build without a GPU is no reason: on the CPU onnx is faster in float32. */
async function tryGpu(options: EngineOptions, host: EngineHost): Promise<ChosenEngine | undefined> {
  if (host.gpus().length === 0 || !host.searchLibtorch().found?.cuda) return undefined;
  try {
    return await openTorchEngine({ ...options, device: "cuda" }, host);
  } catch (error) {
    options.onNotice?.(`The GPU can't be used, so the engine onnx runs on the CPU. ${messageOf(error)}`);
    return undefined;
  }
}

const isGpu = (device: string | undefined): boolean => device?.startsWith("cuda") ?? false;

function isOneOf<D extends ModelDtype>(dtypes: readonly D[], dtype: ModelDtype): dtype is D {
  return (dtypes as readonly ModelDtype[]).includes(dtype);
}

function unsupported(engine: string, dtypes: readonly ModelDtype[], dtype: ModelDtype, other: string): ConfigError {
  return new ConfigError(`The engine ${engine} has no ${dtype}; it has ${dtypes.join(", ")}. The engine ${other} has ${dtype}.`);
}

function onnxVersion(): string {
  const path = requireFrom(import.meta.url).resolve("onnxruntime-node/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
