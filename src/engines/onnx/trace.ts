// Tracing: running a program once on symbolic tensors builds an ONNX model.

import { NotFoundError } from "../../base/errors.ts";
import { toFloat32 } from "../../base/host-tensor.ts";
import type { OnnxModel } from "../../formats/onnx/encode.ts";
import { checkShape, paramsFrom } from "../../ops/params.ts";
import type { Program, WeightReader } from "../../ops/program.ts";
import { withDtype } from "./dtype.ts";
import { contribDomain, type ExternalWeight, Graph, GraphTensor, opset } from "./graph.ts";
import { traceOps } from "./trace-ops.ts";
import type { OnnxDtype, Quantise8Options } from "./weight-forms.ts";

export interface TracedProgram {
  readonly model: OnnxModel;
  /** The initializers stored outside the graph file; the location of each is its name. */
  readonly externals: readonly ExternalWeight[];
}

export interface TraceOptions extends Quantise8Options {
  /** Number format of the weights and products; default fp32. */
  readonly dtype?: OnnxDtype;
}

/** Traces a program. Batch and time stay symbolic, so one graph serves every size. Weights that no output depends on are left out. */
export function trace(program: Program, { dtype = "fp32", saturating = false }: TraceOptions = {}): TracedProgram {
  const graph = new Graph();
  const params = paramsFrom((name) => {
    const spec = program.params[name];
    if (!spec) throw new NotFoundError(`The program ${program.name} uses a weight ${name} that none of its stages declares.`);
    return graph.weight(name, spec.shape);
  });
  const inputs = Object.fromEntries(
    Object.entries(program.inputs).map(([name, { dtype, shape }]) => [name, new GraphTensor(graph, dtype, shape, { name })]),
  );
  const outputs = program.run(withDtype(graph, traceOps(graph), dtype, { saturating }), params, inputs);
  return {
    model: {
      irVersion: 10,
      opsets: [
        { domain: "", version: opset },
        { domain: contribDomain, version: 1 },
      ],
      producer: "ostinato",
      graph: graph.finish(program.name, program.inputs, outputs),
    },
    externals: graph.externalWeights,
  };
}

/** The bytes of external initializers that are all made from one weight, which is read once.
 *  @throws ShapeError when the checkpoint's tensor does not have the shape that the program declares. */
export async function externalBytes(
  externals: readonly ExternalWeight[],
  program: Program,
  weights: WeightReader,
): Promise<{ path: string; data: Uint8Array }[]> {
  const weight = externals[0]!.weight;
  const tensor = await weights.read(weight);
  checkShape(weight, tensor.shape, program.params[weight]!.shape);
  const values = toFloat32(tensor);
  return externals.map(({ location, encode }) => {
    const { buffer, byteOffset, byteLength } = encode ? encode(values) : values;
    return { path: location, data: new Uint8Array(buffer, byteOffset, byteLength) };
  });
}

/** External initializers grouped by the weight that they are made from. */
export function byWeight(externals: readonly ExternalWeight[]): ExternalWeight[][] {
  const groups = new Map<string, ExternalWeight[]>();
  for (const external of externals) groups.set(external.weight, [...(groups.get(external.weight) ?? []), external]);
  return [...groups.values()];
}
