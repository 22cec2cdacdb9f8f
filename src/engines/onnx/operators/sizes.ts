// Operators that read sizes, as ONNX nodes: sizes of batch and time are known only when the graph runs.
import { ShapeError } from "../../../base/errors.ts";
import { onnxDtypes } from "../../../formats/onnx/encode.ts";
import { GraphTensor } from "../graph.ts";
import { axisOf } from "../shapes.ts";
import { binary } from "./elementwise.ts";
import { unsqueeze } from "./layout.ts";

const less = binary("Less", "bool");

export function lengthMask(like: GraphTensor, axis: number, lengths: GraphTensor): GraphTensor {
  const { graph } = like;
  const count = sizeAs("int32", like, axis);
  const range = graph.node("Range", [graph.scalar(0, "int32"), count, graph.scalar(1, "int32")]);
  const positions = new GraphTensor(graph, "int32", [like.shape[axisOf(like.shape.length, axis)]!], { name: range });
  return less(unsqueeze(positions, 0), unsqueeze(lengths, 1));
}

export function sizeOf(x: GraphTensor, axis: number): GraphTensor {
  return new GraphTensor(x.graph, "float32", [], { name: sizeAs("float32", x, axis) });
}

export function fixedSize(x: GraphTensor, axis: number): number {
  const size = x.shape[axisOf(x.shape.length, axis)]!;
  if (typeof size !== "number") throw new ShapeError(`Axis ${axis} of [${x.shape}] is known only when the graph runs.`);
  return size;
}

/** The name of a scalar that holds the size of an axis. */
function sizeAs(dtype: "int32" | "float32", x: GraphTensor, axis: number): string {
  const { graph } = x;
  const index = graph.integers([axisOf(x.shape.length, axis)], []);
  const size = graph.node("Gather", [graph.node("Shape", [x.name]), index], { axis: { int: 0 } });
  return graph.node("Cast", [size], { to: { int: onnxDtypes[dtype] } });
}
