// The graph being traced: nodes, constants and weights, and the symbolic tensor that stands for a value in it.
import { type DType, dtypeBytes, elementCount } from "../../base/dtypes.ts";
import { ShapeError } from "../../base/errors.ts";
import type { HostTensor } from "../../base/host-tensor.ts";
import type { AttributeValue, OnnxGraph, OnnxInitializer, OnnxNode } from "../../formats/onnx/encode.ts";
import type { Dim, TensorSpec } from "../../ops/program.ts";

/** Other forms in which a value exists, so that a node is written only for a form that somebody asks for. */
export interface Forms {
  /** The value in the shape it shows: its name, or how to make it. */
  readonly plain?: string | (() => string);
  /** [batch, channels, time] of a [batch, time, channels]: ONNX convolves channels first, and a chain of convolutions stays so. */
  readonly turned?: string;
  /** The weight this value is, by name. */
  readonly weight?: string;
  /** [batch, time, heads · d] of a [batch, heads, time, d]: what onnxruntime's fused attention takes and gives. */
  readonly joined?: GraphTensor;
}

/** A value of one graph. */
export class GraphTensor {
  readonly graph: Graph;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly joined: GraphTensor | undefined;
  readonly weight: string | undefined;
  private plain: string | (() => string) | undefined;
  private turned: string | undefined;

  constructor(graph: Graph, dtype: DType, shape: readonly Dim[], { plain, turned, joined, weight }: Forms) {
    this.graph = graph;
    this.dtype = dtype;
    this.shape = shape;
    this.plain = plain;
    this.turned = turned;
    this.joined = joined;
    this.weight = weight;
  }

  /** The value's name in the shape it shows. */
  get name(): string {
    if (typeof this.plain === "function") this.plain = this.plain();
    this.plain ??= this.graph.node("Transpose", [this.turned!], { perm: { ints: [0, 2, 1] } });
    return this.plain;
  }

  /** The name of the value with its last two axes swapped; for [batch, time, channels] alone. */
  get channelsFirst(): string {
    this.turned ??= this.graph.node("Transpose", [this.name], { perm: { ints: [0, 2, 1] } });
    return this.turned;
  }

  /** Whether only the turned form exists, so that elementwise work had better be done on it. */
  get isTurned(): boolean {
    return this.plain === undefined;
  }
}

/** An initializer that is kept outside the graph file: which weight it is made of, and how. */
export interface ExternalWeight {
  readonly location: string;
  readonly weight: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** From the weight's float32 values to the initializer's bytes; as they are where absent. */
  readonly encode?: (values: Float32Array) => Uint8Array;
}

/** Builds an ONNX graph node by node. */
export class Graph {
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers = new Map<string, OnnxInitializer>();
  private readonly weights = new Map<string, GraphTensor>();
  private readonly externals = new Map<string, ExternalWeight>();
  private count = 0;

  /** A name no other value has. */
  fresh(stem: string): string {
    return `${stem}_${this.count++}`;
  }

  /** Adds a node with one output and gives that output's name. */
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

  /** A constant stored in the graph file; equal small ones are stored once. */
  constant(tensor: HostTensor): string {
    const small = tensor.bytes.byteLength <= 64;
    const key = small ? `const_${tensor.dtype}_${tensor.shape.join("x")}_${[...tensor.bytes].join("-")}` : this.fresh("const");
    if (!this.initializers.has(key)) {
      this.initializers.set(key, { name: key, dtype: tensor.dtype, shape: tensor.shape, data: { raw: tensor.bytes } });
    }
    return key;
  }

  /** An int64 vector constant, the form in which ONNX takes axes and shapes. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.constant({ dtype: "int64", shape, bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer) });
  }

  /** A weight as a value: a node that uses it makes it a float32 initializer outside the graph file. */
  weight(name: string, shape: readonly number[]): GraphTensor {
    let tensor = this.weights.get(name);
    if (!tensor) {
      tensor = new GraphTensor(this, "float32", shape, {
        weight: name,
        plain: () => this.external({ weight: name, dtype: "float32", shape }),
      });
      this.weights.set(name, tensor);
    }
    return tensor;
  }

  /** An initializer outside the graph file, made of a weight; its location is its own name. */
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

  /** The finished graph; outputs get the names they are asked for under. */
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
