// The ONNX engine in Node: traced graphs on onnxruntime-node.
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { type DType, dtypeBytes, elementCount, type HostTensor } from "../../base/dtypes.ts";
import { ConfigError } from "../../base/errors.ts";
import { encodeModel } from "../../formats/onnx/encode.ts";
import type { Engine, Program, Session, WeightReader } from "../../ops/program.ts";
import { externalBytes, trace } from "./trace.ts";
import type { Precision } from "./weight-forms.ts";

export interface OnnxEngineOptions {
  /** Threads of one operator; all cores by default. */
  threads?: number;
  /** Of the weights; "q8" and "q4" also quantise activations as they come. Default fp32. */
  precision?: Precision;
}

export function onnxEngine({ threads = availableParallelism(), precision = "fp32" }: OnnxEngineOptions = {}): Engine {
  return {
    name: "onnx",
    async prepare(program: Program, weights: WeightReader): Promise<Session> {
      const { model, externals } = trace(program, { precision });
      const externalData = await Promise.all(
        externals.map(async (external) => ({ path: external.location, data: await externalBytes(external, program, weights) })),
      );
      const session = await ort.InferenceSession.create(encodeModel(model), {
        externalData,
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        // Subnormal activations of a silent passage must not slow the run.
        extra: { session: { set_denormal_as_zero: "1" } },
      });
      return {
        async run(inputs) {
          const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toOrt(name, tensor)]));
          const outputs = await session.run(feeds);
          return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromOrt(tensor)]));
        },
        dispose: () => session.release(),
      };
    },
  };
}

const inputTypes = {
  float32: (t: HostTensor) => new Float32Array(t.bytes.buffer, t.bytes.byteOffset, elementCount(t.shape)),
  int32: (t: HostTensor) => new Int32Array(t.bytes.buffer, t.bytes.byteOffset, elementCount(t.shape)),
  bool: (t: HostTensor) => t.bytes,
} as const;

function toOrt(name: string, tensor: HostTensor): ort.Tensor {
  const { dtype, shape } = tensor;
  if (dtype === "float32") return new ort.Tensor("float32", inputTypes.float32(tensor), shape);
  if (dtype === "int32") return new ort.Tensor("int32", inputTypes.int32(tensor), shape);
  if (dtype === "bool") return new ort.Tensor("bool", inputTypes.bool(tensor), shape);
  throw new ConfigError(`Input ${name} is ${dtype}; the ONNX engine takes float32, int32 and bool.`);
}

function fromOrt(tensor: ort.Tensor): HostTensor {
  const dtype = tensor.type as DType;
  const data = tensor.data as Float32Array | Int32Array | Uint8Array;
  return { dtype, shape: tensor.dims, bytes: new Uint8Array(data.buffer, data.byteOffset, elementCount(tensor.dims) * dtypeBytes[dtype]) };
}
