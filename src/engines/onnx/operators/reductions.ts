// Reductions and normalisations along one axis, as ONNX nodes.
import { ShapeError } from "../../../base/errors.ts";
import { GraphTensor } from "../graph.ts";
import { axisOf, replaced, without } from "../shapes.ts";
import { cast, constant } from "./elementwise.ts";

/** A reduction that keeps the axis with size 1, such as "ReduceSum". */
export function reduction(op: string): (x: GraphTensor, axis: number) => GraphTensor {
  return (x, axis) => {
    const i = axisOf(x.shape.length, axis);
    const name = x.graph.node(op, [x.name, x.graph.integers([i])], { keepdims: { int: 1 } });
    return new GraphTensor(x.graph, x.dtype, replaced(x.shape, i, 1), { name });
  };
}

/** "ArgMin" or "ArgMax": int32 indices, the axis dropped. */
export function argument(op: string): (x: GraphTensor, axis: number) => GraphTensor {
  return (x, axis) => {
    const i = axisOf(x.shape.length, axis);
    const name = x.graph.node(op, [x.name], { axis: { int: i }, keepdims: { int: 0 } });
    return cast(new GraphTensor(x.graph, "int64", without(x.shape, i), { name }), "int32");
  };
}

export function softmax(x: GraphTensor, axis: number): GraphTensor {
  const name = x.graph.node("Softmax", [x.name], { axis: { int: axisOf(x.shape.length, axis) } });
  return new GraphTensor(x.graph, x.dtype, x.shape, { name });
}

export function layerNorm(x: GraphTensor, weight: GraphTensor | undefined, bias: GraphTensor | undefined, eps: number): GraphTensor {
  const width = x.shape.at(-1);
  if (typeof width !== "number") throw new ShapeError(`layerNorm needs a last axis of known size, found [${x.shape}].`);
  const scale = weight ?? constant(x.graph, new Float32Array(width).fill(1), [width]);
  const inputs = [x.name, scale.name, ...(bias ? [bias.name] : [])];
  const name = x.graph.node("LayerNormalization", inputs, { axis: { int: -1 }, epsilon: { float: eps } });
  return new GraphTensor(x.graph, x.dtype, x.shape, { name });
}
