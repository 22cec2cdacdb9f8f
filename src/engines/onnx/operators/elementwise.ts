// Elementwise operators as ONNX nodes. They keep the layout of their inputs: channels first stays channels first.
import type { DType } from "../../../base/dtypes.ts";
import { ShapeError } from "../../../base/errors.ts";
import { hostTensor } from "../../../base/host-tensor.ts";
import { type AttributeValue, onnxDtypes } from "../../../formats/onnx/encode.ts";
import { type Graph, GraphTensor } from "../graph.ts";
import { broadcast } from "../shapes.ts";

type Binary = (a: GraphTensor, b: GraphTensor | number) => GraphTensor;

export function constant(graph: Graph, values: ArrayLike<number>, shape: readonly number[], dtype: DType = "float32"): GraphTensor {
  return new GraphTensor(graph, dtype, shape, { name: graph.constant(hostTensor(values, shape, dtype)) });
}

export function cast(x: GraphTensor, dtype: DType): GraphTensor {
  return x.dtype === dtype ? x : elementwise("Cast", x, { dtype, attributes: { to: { int: onnxDtypes[dtype] } } });
}

/** An operator on one tensor, such as "Exp". */
export function unary(op: string): (x: GraphTensor) => GraphTensor {
  return (x) => elementwise(op, x);
}

/** An operator on two tensors, or a tensor and a number. The result has the inputs' dtype where no other is given. */
export function binary(op: string, resultDtype?: DType): Binary {
  return (a, b) => {
    const dtype = resultDtype ?? a.dtype;
    if (typeof b === "number") return elementwise(op, a, { dtype, operands: [a.graph.scalar(b, a.dtype)] });
    if (a.dtype !== b.dtype) throw new ShapeError(`${op} takes one dtype, found ${a.dtype} and ${b.dtype}. Cast one of them.`);
    const shape = broadcast(a.shape, b.shape, op);
    if (a.onlyChannelsFirst && b.onlyChannelsFirst) {
      return new GraphTensor(a.graph, dtype, shape, { channelsFirst: a.graph.node(op, [a.channelsFirst, b.channelsFirst]) });
    }
    return new GraphTensor(a.graph, dtype, shape, { name: a.graph.node(op, [a.name, b.name]) });
  };
}

export function where(mask: GraphTensor, a: GraphTensor, b: GraphTensor | number): GraphTensor {
  const other = typeof b === "number" ? a.graph.scalar(b, a.dtype) : b.name;
  const shape = broadcast(mask.shape, broadcast(a.shape, typeof b === "number" ? [] : b.shape, "where"), "where");
  return new GraphTensor(a.graph, a.dtype, shape, { name: a.graph.node("Where", [mask.name, a.name, other]) });
}

interface ElementwiseOptions {
  /** Further operands, which broadcast against either layout of `x`. */
  readonly operands?: readonly string[];
  readonly dtype?: DType;
  readonly attributes?: Record<string, AttributeValue>;
}

/** A node whose result has the shape of `x`, in the layout in which `x` exists. */
function elementwise(op: string, x: GraphTensor, { operands = [], dtype = x.dtype, attributes = {} }: ElementwiseOptions = {}) {
  if (x.onlyChannelsFirst) {
    return new GraphTensor(x.graph, dtype, x.shape, { channelsFirst: x.graph.node(op, [x.channelsFirst, ...operands], attributes) });
  }
  return new GraphTensor(x.graph, dtype, x.shape, { name: x.graph.node(op, [x.name, ...operands], attributes) });
}
