// The graph being traced: nodes, constants and weights, and the symbolic tensors that stand for its values.
import { type DType, dtypeBytes, elementCount } from "../../base/dtypes.ts";
import { ShapeError } from "../../base/errors.ts";
import { type HostTensor, hostTensor } from "../../base/host-tensor.ts";
import type { AttributeValue, OnnxGraph, OnnxInitializer, OnnxNode } from "../../formats/onnx/encode.ts";
import type { Dim, TensorSpec } from "../../ops/program.ts";

/** The opset of ONNX's own operators that traced graphs use, and the domain of onnxruntime's. */
export const opset = 21;
export const contribDomain = "com.microsoft";

/** The forms in which a value exists in the graph. Nodes that convert one form to another are written when a form is first used. */
export interface Forms {
  /** The name of the value, or a function that writes its nodes and returns the name. */
  readonly name?: string | (() => string);
  /** The name of the same values as [batch, channels, time], for a tensor [batch, time, channels]. ONNX convolves channels first, so a chain of
   *  convolutions needs no transposes between them. */
  readonly channelsFirst?: string;
  /** The name of the weight that this value is. */
  readonly weight?: string;
  /** The same values as [batch, time, heads · d], for a tensor [batch, heads, time, d]: the layout of onnxruntime's fused attention. */
  readonly mergedHeads?: GraphTensor;
}

/** A symbolic tensor: a value of one graph. */
export class GraphTensor {
  readonly graph: Graph;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly mergedHeads: GraphTensor | undefined;
  readonly weight: string | undefined;
  private ownName: string | (() => string) | undefined;
  private channelsFirstName: string | undefined;

  constructor(graph: Graph, dtype: DType, shape: readonly Dim[], { name, channelsFirst, mergedHeads, weight }: Forms) {
    this.graph = graph;
    this.dtype = dtype;
    this.shape = shape;
    this.ownName = name;
    this.channelsFirstName = channelsFirst;
    this.mergedHeads = mergedHeads;
    this.weight = weight;
  }

  /** The name of the value in the layout of `shape`. */
  get name(): string {
    if (typeof this.ownName === "function") this.ownName = this.ownName();
    this.ownName ??= this.graph.node("Transpose", [this.channelsFirstName!], { perm: { ints: [0, 2, 1] } });
    return this.ownName;
  }

  /** The name of the value with its last two axes swapped; only for tensors of three axes. */
  get channelsFirst(): string {
    this.channelsFirstName ??= this.graph.node("Transpose", [this.name], { perm: { ints: [0, 2, 1] } });
    return this.channelsFirstName;
  }

  /** Whether the value exists with channels first only, so that elementwise operators had better use that layout. */
  get onlyChannelsFirst(): boolean {
    return this.ownName === undefined;
  }
}

/** An initializer stored outside the graph file, and how it is made from a weight. */
export interface ExternalWeight {
  readonly location: string;
  readonly weight: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Converts the weight's float32 values to the initializer's bytes. Absent: the values themselves. */
  readonly encode?: (values: Float32Array) => ArrayBufferView;
}

/** Builds an ONNX graph node by node. */
export class Graph {
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers = new Map<string, OnnxInitializer>();
  private readonly weights = new Map<string, GraphTensor>();
  private readonly externals = new Map<string, ExternalWeight>();
  private count = 0;

  /** A name that no other value of the graph has. */
  fresh(stem: string): string {
    return `${stem}_${this.count++}`;
  }

  /** Adds a node with one output and returns that output's name. */
  node(op: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}, domain = ""): string {
    return this.nodeWithOutputs(op, inputs, 1, attributes, domain)[0]!;
  }

  nodeWithOutputs(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Record<string, AttributeValue> = {},
    domain = "",
  ): string[] {
    const names = Array.from({ length: outputs }, () => this.fresh(op.toLowerCase()));
    this.nodes.push({ op, domain, name: names[0]!, inputs, outputs: names, attributes });
    return names;
  }

  /** A constant stored in the graph file. Equal constants of up to 64 bytes are stored once. */
  constant(tensor: HostTensor): string {
    const small = tensor.bytes.byteLength <= 64;
    const key = small ? `const_${tensor.dtype}_${tensor.shape.join("x")}_${[...tensor.bytes].join("-")}` : this.fresh("const");
    if (!this.initializers.has(key)) {
      this.initializers.set(key, { name: key, dtype: tensor.dtype, shape: tensor.shape, data: { raw: tensor.bytes } });
    }
    return key;
  }

  /** An int64 constant, a vector by default: the form in which ONNX takes axes and shapes. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.constant(hostTensor(values, shape, "int64"));
  }

  /** A scalar constant. */
  scalar(value: number, dtype: DType): string {
    return this.constant(hostTensor([value], [], dtype));
  }

  /** A weight as a symbolic tensor. It becomes a float32 initializer outside the graph file when a node uses it. */
  weight(name: string, shape: readonly number[]): GraphTensor {
    let tensor = this.weights.get(name);
    if (!tensor) {
      tensor = new GraphTensor(this, "float32", shape, {
        weight: name,
        name: () => this.external({ weight: name, dtype: "float32", shape }),
      });
      this.weights.set(name, tensor);
    }
    return tensor;
  }

  /** Adds an initializer outside the graph file, made from a weight. Its location is its name. */
  external(made: Omit<ExternalWeight, "location"> & { readonly suffix?: string }): string {
    const { suffix = "", ...external } = made;
    const location = external.weight + suffix;
    if (!this.externals.has(location)) {
      this.externals.set(location, { ...external, location });
      const length = elementCount(external.shape) * dtypeBytes[external.dtype];
      const data = { external: { location, offset: 0, length } };
      this.initializers.set(location, { name: location, dtype: external.dtype, shape: external.shape, data });
    }
    return location;
  }

  get externalWeights(): ExternalWeight[] {
    return [...this.externals.values()];
  }

  /** The finished graph, whose outputs have the given names. */
  finish(name: string, inputs: Readonly<Record<string, TensorSpec>>, outputs: Readonly<Record<string, GraphTensor>>): OnnxGraph {
    const named = Object.entries(outputs).map(([output, tensor]) => {
      if (tensor.graph !== this) throw new ShapeError(`Output ${output} belongs to another graph.`);
      this.nodes.push({ op: "Identity", inputs: [tensor.name], outputs: [output] });
      return { name: output, dtype: tensor.dtype, shape: tensor.shape };
    });
    return {
      name,
      nodes: this.nodes,
      initializers: [...this.initializers.values()],
      inputs: Object.entries(inputs).map(([input, spec]) => ({ name: input, ...spec })),
      outputs: named,
    };
  }
}
