// The libtorch engine: programs run eagerly, on the CPU or a GPU, in float32 or a half dtype.
import type { Ops } from "../../ops/ops.ts";
import { checkShape, paramsFrom } from "../../ops/params.ts";
import type { Engine, Program, Session, Values, WeightReader } from "../../ops/program.ts";
import { addon } from "./addon.ts";
import type { HalfDType } from "./half.ts";
import { inferenceOps } from "./inference-ops.ts";
import { type OpenOptions, openTorch } from "./runtime.ts";
import { fromHost, hostDtype, keep, type TorchTensor, tidy, toHost } from "./tensor.ts";

export interface TorchEngineOptions extends OpenOptions {
  /** The dtype of products and convolutions. float32 is within 1e-4 of the original models, bfloat16 within a cosine of 0.9999. */
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
        // Matrices are used in products alone, which run in the half dtype; the smaller weights stay float32.
        held.set(name, keep(fromHost(tensor, device, spec.shape.length === 2 ? dtype : "float32")));
      }
      const forInference = inferenceOps(device, dtype);
      const escaped = new Set<TorchTensor>();
      const ops: Ops<TorchTensor> = {
        ...forInference.ops,
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
          forInference.dispose();
          for (const tensor of held.values()) tensor.dispose();
          held.clear();
        },
      };
    },
  };
}

/** Runs `body` in a scope and in inference mode, where nothing is recorded for gradients. */
export function inference<R>(body: () => R): R {
  addon().enterInference();
  try {
    return tidy(body);
  } finally {
    addon().leaveInference();
  }
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
