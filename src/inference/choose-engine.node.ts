// Choosing an engine: which of those that are there runs a model fastest in the dtype asked for.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { ModelDtype } from "../base/dtypes.ts";
import { ConfigError } from "../base/errors.ts";
import { type OnnxEngineOptions, onnxEngine } from "../engines/onnx/engine.node.ts";
import { onnxDtypes } from "../engines/onnx/weight-forms.ts";
import { torchEngine } from "../engines/torch/engine.ts";
import { locateLibtorch, searchLibtorch } from "../engines/torch/locate.ts";
import type { Engine } from "../ops/program.ts";

export interface EngineOptions {
  /** "auto" takes the fastest that is there: libtorch for a GPU and for bfloat16, ONNX Runtime for the rest. */
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

/** @throws ConfigError where the engine can't do the dtype or device; NotFoundError where libtorch is asked for and missing. */
export function chooseEngine(options: EngineOptions, { spin = true }: Pick<OnnxEngineOptions, "spin"> = {}): ChosenEngine {
  const { engine = "auto", device, dtype = "fp32", threads } = options;
  if (typeof engine === "object") return { engine, version: "unknown", dtype };
  const wantsGpu = device?.startsWith("cuda") ?? false;
  const name = engine === "auto" ? fastest(dtype, device, wantsGpu) : engine;
  if (device !== undefined && device !== "cpu" && !wantsGpu) {
    throw new ConfigError(`The device ${device} is not available in Node; there are cpu and cuda (webgpu runs in the browser).`);
  }
  if (name === "onnx") {
    if (wantsGpu) throw new ConfigError("The engine onnx runs on the CPU here. For a GPU use the engine torch.");
    if (!isOneOf(onnxDtypes, dtype)) throw unsupported(name, onnxDtypes, dtype, "torch");
    return { engine: onnxEngine({ ...(threads !== undefined && { threads }), spin, dtype }), version: onnxVersion(), dtype };
  }
  if (!isOneOf(torchNames, dtype)) throw unsupported(name, torchNames, dtype, "onnx");
  const libtorch = locateLibtorch();
  if (dtype === "fp16" && !wantsGpu)
    throw new ConfigError("The engine torch computes fp16 on a GPU alone. On the CPU use bf16, or the engine onnx.");
  const opened = torchEngine({
    libtorch,
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(options.onNotice && { onStart: options.onNotice }),
    dtype: torchDtypes[dtype],
  });
  return { engine: opened, version: libtorch.version, dtype };
}

function isOneOf<D extends ModelDtype>(dtypes: readonly D[], dtype: ModelDtype): dtype is D {
  return (dtypes as readonly ModelDtype[]).includes(dtype);
}

function unsupported(engine: string, dtypes: readonly ModelDtype[], dtype: ModelDtype, other: string): ConfigError {
  return new ConfigError(`The engine ${engine} has no ${dtype}; it has ${dtypes.join(", ")}. The engine ${other} has ${dtype}.`);
}

/** The measurements behind it stand in docs/performance.md. */
function fastest(dtype: ModelDtype, device: string | undefined, wantsGpu: boolean): "onnx" | "torch" {
  if (wantsGpu || dtype === "bf16") return "torch";
  if (dtype === "q8" || dtype === "q4" || device === "cpu") return "onnx";
  return searchLibtorch().found?.cuda ? "torch" : "onnx";
}

function onnxVersion(): string {
  const path = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
