// Choosing an engine: which of those that are there runs a model fastest in the precision asked for.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ConfigError } from "../base/errors.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { torchEngine } from "../engines/torch/engine.ts";
import { locateLibtorch, searchLibtorch } from "../engines/torch/locate.ts";
import type { Engine } from "../ops/program.ts";

/** Precision of the products: float32, float16, bfloat16, or weights of 8 and 4 bits. */
export type Precision = "fp32" | "fp16" | "bf16" | "q8" | "q4";

export interface EngineOptions {
  /** "auto" takes the fastest that is there: libtorch for a GPU and for bfloat16, ONNX Runtime for the rest. */
  readonly engine?: "auto" | "onnx" | "torch" | Engine | undefined;
  /** "cpu", "cuda" or "cuda:1"; by default a GPU where the engine finds one. */
  readonly device?: string | undefined;
  /** Default "fp32", which is exact. The engines' own: onnx fp32, fp16 (stored), q8, q4; torch fp32, bf16, and fp16 on a GPU. */
  readonly dtype?: Precision | undefined;
  /** Threads of one operator; all cores by default. */
  readonly threads?: number | undefined;
  /** Told when the libtorch addon has to be compiled first. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface ChosenEngine {
  readonly engine: Engine;
  readonly version: string;
  readonly dtype: Precision;
}

const dtypes = { onnx: ["fp32", "fp16", "q8", "q4"], torch: ["fp32", "bf16", "fp16"] } as const;
const torchDtypes = { fp32: "float32", bf16: "bfloat16", fp16: "float16" } as const;

/** @throws ConfigError where the engine can't do the dtype or device; NotFoundError where libtorch is asked for and missing. */
export function chooseEngine(options: EngineOptions): ChosenEngine {
  const { engine = "auto", device, dtype = "fp32", threads } = options;
  if (typeof engine === "object") return { engine, version: "unknown", dtype };
  const wantsGpu = device?.startsWith("cuda") ?? false;
  const name = engine === "auto" ? fastest(dtype, device, wantsGpu) : engine;
  if (!(dtypes[name] as readonly string[]).includes(dtype)) {
    const other = name === "onnx" ? "torch" : "onnx";
    const advice = (dtypes[other] as readonly string[]).includes(dtype) ? ` The engine ${other} has ${dtype}.` : "";
    throw new ConfigError(`The engine ${name} has no ${dtype}; it has ${dtypes[name].join(", ")}.${advice}`);
  }
  if (device !== undefined && device !== "cpu" && !wantsGpu) {
    throw new ConfigError(`The device ${device} is not available in Node; there are cpu and cuda (webgpu runs in the browser).`);
  }
  if (name === "onnx") {
    if (wantsGpu) throw new ConfigError("The engine onnx runs on the CPU here. For a GPU use the engine torch.");
    return { engine: onnxEngine({ ...(threads !== undefined && { threads }), precision: dtype as "fp32" }), version: onnxVersion(), dtype };
  }
  const libtorch = locateLibtorch();
  if (dtype === "fp16" && !wantsGpu)
    throw new ConfigError("The engine torch computes fp16 on a GPU alone. On the CPU use bf16, or the engine onnx.");
  const opened = torchEngine({
    libtorch,
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(options.onNotice && { onStart: options.onNotice }),
    dtype: torchDtypes[dtype as keyof typeof torchDtypes],
  });
  return { engine: opened, version: libtorch.version, dtype };
}

/** The measurements behind it stand in docs/performance.md. */
function fastest(dtype: Precision, device: string | undefined, wantsGpu: boolean): "onnx" | "torch" {
  if (wantsGpu || dtype === "bf16") return "torch";
  if (dtype === "q8" || dtype === "q4" || device === "cpu") return "onnx";
  return searchLibtorch().found?.cuda ? "torch" : "onnx";
}

function onnxVersion(): string {
  const path = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
