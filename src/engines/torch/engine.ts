// The libtorch engine: programs run eagerly, on the CPU or a GPU, in float32 or a half dtype.
import type { DType } from "../../base/dtypes.ts";
import type { Ops } from "../../ops/ops.ts";
import { checkShape, paramsFrom } from "../../ops/params.ts";
import type { Engine, Program, Session, Values, WeightReader } from "../../ops/program.ts";
import { addon } from "./addon.ts";
import { type HalfDType, inferenceOps } from "./lowering.ts";
import { type OpenOptions, openTorch } from "./runtime.ts";
import { fromHost, keep, type TorchTensor, tidy, toHost } from "./tensor.ts";

export interface TorchEngineOptions extends OpenOptions {
  /** "cpu", "cuda", "cuda:1"; the first GPU where there is one, else the CPU. */
  readonly device?: string;
  /** What products and convolutions are computed in. float32 is exact to 1e-4 of the originals; bfloat16 to a cosine of 0.9999. */
  readonly dtype?: "float32" | HalfDType;
}

export function torchEngine({ dtype = "float32", ...options }: TorchEngineOptions = {}): Engine {
  return {
    name: "torch",
    async prepare(program: Program, weights: WeightReader): Promise<Session> {
      const { device } = await openTorch(options);
      const held = new Map<string, TorchTensor>();
      for (const [name, spec] of Object.entries(program.params)) {
        const tensor = await weights.read(name);
        checkShape(name, tensor.shape, spec.shape);
        // Matrices serve products alone, which run in the half dtype; the small rest keeps its precision.
        held.set(name, keep(fromHost(tensor, device, spec.shape.length === 2 ? dtype : "float32")));
      }
      const lowered = inferenceOps(device, dtype);
      const escaped = new Set<TorchTensor>();
      const ops: Ops<TorchTensor> = {
        ...lowered.ops,
        scope: {
          run: (body) => tidy(body, escaped),
          keep(x) {
            escaped.add(x);
            return x;
          },
        },
      };
      const params = paramsFrom((name) => held.get(name)!);
      return {
        async run(inputs) {
          try {
            return inference(() => {
              const outputs = program.run(
                ops,
                params,
                mapValues(inputs, (value) => fromHost(value, device)),
              );
              return mapValues(outputs, (value) => toHost(value, hostDtype(value.dtype)));
            }) as Values;
          } finally {
            escaped.clear();
          }
        },
        async dispose() {
          lowered.dispose();
          for (const tensor of held.values()) tensor.dispose();
          held.clear();
        },
      };
    },
  };
}

/** Runs `body` in a scope of its own, recording no gradients. */
export function inference<R>(body: () => R): R {
  addon().enterInference();
  try {
    return tidy(body);
  } finally {
    addon().leaveInference();
  }
}

/** What leaves an engine is float32, int32 or bool. */
function hostDtype(dtype: DType): DType {
  if (dtype === "bool" || dtype === "uint8") return dtype;
  return dtype.startsWith("int") ? "int32" : "float32";
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
