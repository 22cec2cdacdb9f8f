// Dtypes: the element types that checkpoints and engines share, and conversion of their bytes to float32.
import { ShapeError } from "./errors.ts";

export const dtypeBytes = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
} as const;

/** Types of elements, by their names here. */
export type DType = keyof typeof dtypeBytes;

/** Number of elements of a shape; a scalar's shape is `[]`. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A dense, row-major tensor on the host: what formats read and write, and what engines take in and give out.
 *  `bytes` are little-endian and hold exactly `elementCount(shape) * dtypeBytes[dtype]` bytes. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A float32 host tensor over `values`, sharing its memory. */
export function hostTensor(values: Float32Array, shape: readonly number[]): HostTensor {
  if (values.length !== elementCount(shape)) throw new ShapeError(`${values.length} values do not fill the shape [${shape}].`);
  return { dtype: "float32", shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
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

/** IEEE 754 binary16 bits to a number. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number to IEEE 754 binary16 bits, rounded to nearest, ties to even. */
export function floatToHalf(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds past 65504
  if (magnitude < 0x38800000) return sign | roundHalfEven(Math.abs(scratch[0]!) * 2 ** 24); // subnormal
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  return x - down > 0.5 || (x - down === 0.5 && down % 2 === 1) ? down + 1 : down;
}
