// Encoding of ONNX models: plain descriptions of graphs to the bytes of a ModelProto.
// Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), IR version 4 and later.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type DType, dtypeBytes, elementCount } from "../../base/dtypes.ts";
import { ShapeError } from "../../base/errors.ts";
import type { HostTensor } from "../../base/host-tensor.ts";

/** A whole model. `irVersion` 8 corresponds to opset 17; runtimes refuse versions newer than their own. */
export interface OnnxModel {
  readonly irVersion: number;
  /** The operator sets in use; the standard one has the domain "". */
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly producer?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly graph: OnnxGraph;
}

/** A graph of named values. Nodes are in topological order. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** One operator. An omitted optional input is the empty string. */
export interface OnnxNode {
  readonly op: string;
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** The value of an attribute, tagged with its type, since 1 may be an integer or a float. */
export type AttributeValue =
  | { readonly int: number | bigint }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly (number | bigint)[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: HostTensor };

/** A constant of the graph: a weight. */
export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: { readonly raw: Uint8Array } | { readonly external: ExternalData };
}

/** A weight stored outside the model: `length` bytes from `offset` of the file `location`, relative to the model. */
export interface ExternalData {
  readonly location: string;
  readonly offset?: number;
  readonly length?: number;
}

/** An input or output of the graph. A dimension is a number, or the name of one that is known only at run time. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** ONNX's numbers for element types (TensorProto.DataType). */
export const onnxDtypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

/** The bytes of a `.onnx` file. Protobuf allows 2 GB: larger models keep their weights outside (see `writeOnnx`).
 *  @throws ShapeError when an initializer's bytes do not fill its shape. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const w = new BinaryWriter();
  w.tag(1, WireType.Varint).int64(model.irVersion);
  text(w, 2, model.producer ?? "ostinato");
  message(w, 7, () => graph(w, model.graph));
  for (const { domain, version } of model.opsets) {
    message(w, 8, () => {
      text(w, 1, domain);
      w.tag(2, WireType.Varint).int64(version);
    });
  }
  for (const [key, value] of Object.entries(model.metadata ?? {})) pair(w, 14, key, value);
  return w.finish();
}

function graph(w: BinaryWriter, { nodes, name, initializers, inputs, outputs }: OnnxGraph): void {
  for (const each of nodes) message(w, 1, () => node(w, each));
  text(w, 2, name);
  for (const each of initializers) message(w, 5, () => initializer(w, each));
  for (const each of inputs) message(w, 11, () => value(w, each));
  for (const each of outputs) message(w, 12, () => value(w, each));
}

function node(w: BinaryWriter, { op, domain, name, inputs, outputs, attributes }: OnnxNode): void {
  for (const input of inputs) text(w, 1, input);
  for (const output of outputs) text(w, 2, output);
  if (name) text(w, 3, name);
  text(w, 4, op);
  for (const [key, each] of Object.entries(attributes ?? {})) message(w, 5, () => attribute(w, key, each));
  if (domain) text(w, 7, domain);
}

function attribute(w: BinaryWriter, name: string, a: AttributeValue): void {
  text(w, 1, name);
  const type = (code: number) => w.tag(20, WireType.Varint).int32(code);
  if ("float" in a) {
    w.tag(2, WireType.Bit32).float(a.float);
    type(1);
  } else if ("int" in a) {
    w.tag(3, WireType.Varint).int64(a.int);
    type(2);
  } else if ("string" in a) {
    text(w, 4, a.string);
    type(3);
  } else if ("tensor" in a) {
    const { dtype, shape, bytes } = a.tensor;
    message(w, 5, () => initializer(w, { name, dtype, shape, data: { raw: bytes } }));
    type(4);
  } else if ("floats" in a) {
    for (const each of a.floats) w.tag(7, WireType.Bit32).float(each);
    type(6);
  } else if ("ints" in a) {
    for (const each of a.ints) w.tag(8, WireType.Varint).int64(each);
    type(7);
  } else {
    for (const each of a.strings) text(w, 9, each);
    type(8);
  }
}

function initializer(w: BinaryWriter, { name, dtype, shape, data }: OnnxInitializer): void {
  for (const size of shape) w.tag(1, WireType.Varint).int64(size);
  w.tag(2, WireType.Varint).int32(onnxDtypes[dtype]);
  text(w, 8, name);
  if ("raw" in data) {
    const expected = elementCount(shape) * dtypeBytes[dtype];
    if (data.raw.byteLength !== expected) {
      throw new ShapeError(`${name} is ${dtype} [${shape}] and needs ${expected} bytes, but ${data.raw.byteLength} were given.`);
    }
    w.tag(9, WireType.LengthDelimited).bytes(data.raw);
    return;
  }
  const { location, offset, length } = data.external;
  pair(w, 13, "location", location);
  if (offset !== undefined) pair(w, 13, "offset", String(offset));
  if (length !== undefined) pair(w, 13, "length", String(length));
  w.tag(14, WireType.Varint).int32(1); // DataLocation.EXTERNAL
}

function value(w: BinaryWriter, { name, dtype, shape }: OnnxValue): void {
  text(w, 1, name);
  // ValueInfoProto.type → TypeProto.tensor_type → { elem_type, shape: { dim… } }
  message(w, 2, () =>
    message(w, 1, () => {
      w.tag(1, WireType.Varint).int32(onnxDtypes[dtype]);
      message(w, 2, () => {
        for (const size of shape) {
          message(w, 1, () => (typeof size === "number" ? w.tag(1, WireType.Varint).int64(size) : text(w, 2, size)));
        }
      });
    }),
  );
}

function message(w: BinaryWriter, field: number, body: () => unknown): void {
  w.tag(field, WireType.LengthDelimited).fork();
  body();
  w.join();
}

function text(w: BinaryWriter, field: number, value: string): void {
  w.tag(field, WireType.LengthDelimited).string(value);
}

function pair(w: BinaryWriter, field: number, key: string, value: string): void {
  message(w, field, () => {
    text(w, 1, key);
    text(w, 2, value);
  });
}
