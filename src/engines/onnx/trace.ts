// Tracing: a program run once on symbolic tensors leaves an ONNX model behind.
import { NotFoundError } from "../../base/errors.ts";
import type { OnnxModel } from "../../formats/onnx/encode.ts";
import { paramsFrom } from "../../ops/params.ts";
import type { Program } from "../../ops/program.ts";
import { Graph, GraphTensor } from "./graph.ts";
import { contribDomain, opset, traceOps } from "./trace-ops.ts";

export interface TracedProgram {
  readonly model: OnnxModel;
  /** The weights the graph uses, each an external tensor whose location is its own name. */
  readonly weightNames: readonly string[];
}

/** Batch and time stay symbolic, so one graph serves every size. Weights that no output depends on are not in it. */
export function trace(program: Program): TracedProgram {
  const graph = new Graph();
  const params = paramsFrom((name) => {
    const spec = program.params[name];
    if (!spec) throw new NotFoundError(`The program ${program.name} uses a weight ${name} that none of its stages declares.`);
    return graph.weight(name, spec.shape);
  });
  const inputs = Object.fromEntries(
    Object.entries(program.inputs).map(([name, { dtype, shape }]) => [name, new GraphTensor(graph, dtype, shape, { plain: name })]),
  );
  const outputs = program.run(traceOps(graph), params, inputs);
  return {
    model: {
      irVersion: 9,
      opsets: [
        { domain: "", version: opset },
        { domain: contribDomain, version: 1 },
      ],
      producer: "ostinato",
      graph: graph.finish(program.name, program.inputs, outputs),
    },
    weightNames: graph.weightNames,
  };
}
