// Conversion of host tensors to onnxruntime's tensors and back, for its packages for Node and for the browser.
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { type DType, dtypeBytes, elementCount } from "../../base/dtypes.ts";
import { ConfigError } from "../../base/errors.ts";
import type { HostTensor } from "../../base/host-tensor.ts";
import type { Program, Values, WeightReader } from "../../ops/program.ts";
import { byWeight, externalBytes, type TracedProgram } from "./trace.ts";

/** The part of a session that both packages share. */
interface Runnable {
  readonly outputNames: readonly string[];
  run(feeds: Record<string, Tensor>, fetches: readonly string[]): Promise<{ readonly [name: string]: unknown }>;
}

/** Runs a session on host tensors and returns `outputs`, by default all. `Tensor` is the package's tensor class. */
export async function runSession(
  Tensor: TensorConstructor,
  session: Runnable,
  inputs: Values,
  outputs?: readonly string[],
): Promise<Values> {
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toOrt(Tensor, name, tensor)]));
  const results = (await session.run(feeds, outputs ?? session.outputNames)) as Record<string, Tensor>;
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
}

/** The initializers outside the graph, in the form of both packages' `externalData`. */
export async function readExternals({ externals }: TracedProgram, program: Program, weights: WeightReader) {
  return (await Promise.all(byWeight(externals).map((group) => externalBytes(group, program, weights)))).flat();
}

const inputTypes = {
  float64: (t: HostTensor) => new Float64Array(t.bytes.buffer, t.bytes.byteOffset, elementCount(t.shape)),
  float32: (t: HostTensor) => new Float32Array(t.bytes.buffer, t.bytes.byteOffset, elementCount(t.shape)),
  int32: (t: HostTensor) => new Int32Array(t.bytes.buffer, t.bytes.byteOffset, elementCount(t.shape)),
  bool: (t: HostTensor) => t.bytes,
} as const;

function toOrt(Tensor: TensorConstructor, name: string, tensor: HostTensor): Tensor {
  const { dtype, shape } = tensor;
  if (dtype === "float64") return new Tensor("float64", inputTypes.float64(tensor), shape);
  if (dtype === "float32") return new Tensor("float32", inputTypes.float32(tensor), shape);
  if (dtype === "int32") return new Tensor("int32", inputTypes.int32(tensor), shape);
  if (dtype === "bool") return new Tensor("bool", inputTypes.bool(tensor), shape);
  throw new ConfigError(`Input ${name} is ${dtype}; the ONNX engine takes float64, float32, int32 and bool.`);
}

function fromOrt(tensor: Tensor): HostTensor {
  const dtype = tensor.type as DType;
  const data = tensor.data as Float32Array | Int32Array | Uint8Array;
  return { dtype, shape: tensor.dims, bytes: new Uint8Array(data.buffer, data.byteOffset, elementCount(tensor.dims) * dtypeBytes[dtype]) };
}
