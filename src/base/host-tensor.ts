// Host tensors: dense arrays with a dtype and a shape, built from numbers and converted to float32.
import { type DType, dtypeBytes, elementCount, halfToFloat } from "./dtypes.ts";
import { ShapeError } from "./errors.ts";

/** A dense, row-major tensor on the host: what formats read and write, and what engines take in and give out.
 *  `bytes` are little-endian and hold exactly `elementCount(shape) * dtypeBytes[dtype]` bytes. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Element types that can be built from an array of numbers. */
const arrays: Partial<Record<DType, (values: ArrayLike<number>) => ArrayBufferView>> = {
  float32: (values) => (values instanceof Float32Array ? values : Float32Array.from(values)),
  float64: (values) => (values instanceof Float64Array ? values : Float64Array.from(values)),
  int32: (values) => (values instanceof Int32Array ? values : Int32Array.from(values)),
  int64: (values) => BigInt64Array.from(Array.from(values), BigInt),
  uint8: (values) => (values instanceof Uint8Array ? values : Uint8Array.from(values)),
  bool: (values) => (values instanceof Uint8Array ? values : Uint8Array.from(values)),
};

/** A host tensor of `values`, row-major. It shares their memory where they already are an array of the dtype; else they are copied.
 *  @throws ShapeError where the values do not fill the shape, or the dtype cannot be built from numbers. */
export function hostTensor(values: ArrayLike<number>, shape: readonly number[], dtype: DType = "float32"): HostTensor {
  const convert = arrays[dtype];
  if (!convert) throw new ShapeError(`A tensor of dtype ${dtype} can't be made from numbers; use ${Object.keys(arrays).join(", ")}.`);
  if (values.length !== elementCount(shape)) throw new ShapeError(`${values.length} values do not fill the shape [${shape}].`);
  const view = convert(values);
  return { dtype, shape, bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) };
}

/** A host tensor [values.length] of int32: lengths, counts, indices. */
export function int32Vector(values: readonly number[]): HostTensor {
  return hostTensor(values, [values.length], "int32");
}

/** The tensor's values as float32: a view where it already is float32 and aligned, else a converted copy. */
export function toFloat32(tensor: HostTensor): Float32Array {
  const { dtype, bytes } = tensor;
  const n = elementCount(tensor.shape);
  if (bytes.byteLength !== n * dtypeBytes[dtype]) {
    throw new ShapeError(`A ${dtype} tensor of shape [${tensor.shape}] needs ${n * dtypeBytes[dtype]} bytes, found ${bytes.byteLength}.`);
  }
  if (dtype === "float32" && bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, n);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(n);
  if (dtype === "bfloat16") {
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < n; i++) bits[i] = view.getUint16(2 * i, true) << 16;
    return out;
  }
  const read = readers[dtype];
  for (let i = 0; i < n; i++) out[i] = read(view, i);
  return out;
}

const readers: Record<Exclude<DType, "bfloat16">, (view: DataView, i: number) => number> = {
  float64: (v, i) => v.getFloat64(8 * i, true),
  float32: (v, i) => v.getFloat32(4 * i, true),
  float16: (v, i) => halfToFloat(v.getUint16(2 * i, true)),
  int64: (v, i) => Number(v.getBigInt64(8 * i, true)),
  int32: (v, i) => v.getInt32(4 * i, true),
  int16: (v, i) => v.getInt16(2 * i, true),
  int8: (v, i) => v.getInt8(i),
  uint8: (v, i) => v.getUint8(i),
  bool: (v, i) => (v.getUint8(i) === 0 ? 0 : 1),
};
