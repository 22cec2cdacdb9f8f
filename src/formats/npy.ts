// NumPy's npy files: one dense array each, read whole or by rows. A file can be written before its length is known.
// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { type ByteSource, memorySource } from "../base/byte-source.ts";
import { type DType, dtypeBytes, elementCount } from "../base/dtypes.ts";
import { FormatError, ShapeError } from "../base/errors.ts";
import type { HostTensor } from "../base/host-tensor.ts";
import { printable, shown } from "../base/shown.ts";
import { toDense } from "./strided.ts";

/** The header of an npy file. */
export interface NpyInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Column-major: the first axis runs fastest. */
  readonly fortranOrder: boolean;
  /** Byte offset of the elements. */
  readonly dataOffset: number;
}

const typeCodes: Readonly<Record<string, DType>> = {
  "<f8": "float64",
  "<f4": "float32",
  "<f2": "float16",
  "<i8": "int64",
  "<i4": "int32",
  "<i2": "int16",
  "|i1": "int8",
  "|u1": "uint8",
  "|b1": "bool",
};
const codeOf = new Map(Object.entries(typeCodes).map(([code, dtype]) => [dtype, code]));

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const maxHeaderBytes = 2 ** 16;

/** The header of an npy file, checked against the file's size.
 *  @throws FormatError when it is not an npy file, has another size than the header states, or has a dtype that is not supported. */
export async function npyInfo(source: ByteSource): Promise<NpyInfo> {
  const start = await source.read(0, Math.min(12, source.size));
  const { textOffset, textBytes } = headerPlace(start, source.name);
  const text = new TextDecoder("latin1").decode(await source.read(textOffset, textBytes));
  return checkedInfo(text, textOffset + textBytes, source);
}

/** The whole array, in row-major order. @throws FormatError as `npyInfo` does. */
export async function readNpy(source: ByteSource): Promise<HostTensor> {
  const info = await npyInfo(source);
  return arrayOf(info, await source.read(info.dataOffset, source.size - info.dataOffset));
}

/** `count` rows (entries of the first axis) from row `start`, without reading the rest.
 *  @throws ShapeError when the rows are out of range, or the file is column-major, so that a row is not contiguous. */
export async function readNpyRows(source: ByteSource, info: NpyInfo, start: number, count: number): Promise<HostTensor> {
  const [rows, ...row] = info.shape;
  if (info.fortranOrder || rows === undefined) throw new ShapeError(`${source.name} is not stored row by row. Read it whole with readNpy.`);
  if (start < 0 || count < 0 || start + count > rows) {
    throw new ShapeError(`${source.name} has ${rows} rows, but rows ${start} to ${start + count} were asked for.`);
  }
  const rowBytes = elementCount(row) * dtypeBytes[info.dtype];
  const bytes = await source.read(info.dataOffset + start * rowBytes, count * rowBytes);
  return { dtype: info.dtype, shape: [count, ...row], bytes };
}

/** An npy file in memory, as an array that shares its bytes if they are row-major. @throws FormatError as `npyInfo` does. */
export function parseNpy(bytes: Uint8Array, name = "memory"): HostTensor {
  const source = memorySource(bytes, name);
  const { textOffset, textBytes } = headerPlace(bytes, name);
  if (textOffset + textBytes > bytes.length) throw new FormatError(`${name} is cut short within its npy header.`);
  const text = new TextDecoder("latin1").decode(bytes.subarray(textOffset, textOffset + textBytes));
  const info = checkedInfo(text, textOffset + textBytes, source);
  return arrayOf(info, bytes.subarray(info.dataOffset));
}

/** The header of an npy file with row-major elements. It takes 128 bytes for up to about six axes,
 *  whatever the sizes in the shape, so that the header can be rewritten when the length is known.
 *  @throws ShapeError for bfloat16, which NumPy does not have. */
export function npyHeader(dtype: DType, shape: readonly number[]): Uint8Array {
  const code = codeOf.get(dtype);
  if (!code) throw new ShapeError(`npy files hold no ${dtype}. Convert it to float32 first.`);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${code}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const total = Math.max(128, Math.ceil((10 + text.length + 1) / 64) * 64);
  const header = new Uint8Array(total).fill(0x20);
  header.set([...magic, 1, 0]);
  new DataView(header.buffer).setUint16(8, total - 10, true);
  header.set(new TextEncoder().encode(text), 10);
  header[total - 1] = 0x0a;
  return header;
}

/** A whole npy file. @throws ShapeError as `npyHeader` does. */
export function npyBytes(tensor: HostTensor): Uint8Array {
  const header = npyHeader(tensor.dtype, tensor.shape);
  const file = new Uint8Array(header.length + tensor.bytes.length);
  file.set(header);
  file.set(tensor.bytes, header.length);
  return file;
}

/** The range of the header's text. Versions 2 and 3 store its length in 32 bits, version 1 in 16. */
function headerPlace(start: Uint8Array, name: string): { textOffset: number; textBytes: number } {
  if (start.length < 10 || magic.some((byte, i) => start[i] !== byte))
    throw new FormatError(`${name} is not an npy file: it does not begin with \\x93NUMPY.`);
  const version = start[6]!;
  if (version < 1 || version > 3) throw new FormatError(`${name} is npy version ${version}; versions 1 to 3 can be read.`);
  const textOffset = version === 1 ? 10 : 12;
  if (start.length < textOffset) throw new FormatError(`${name} is cut short within its npy header.`);
  const view = new DataView(start.buffer, start.byteOffset);
  const textBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (textBytes > maxHeaderBytes) throw new FormatError(`${name} claims an npy header of ${textBytes} bytes: it is corrupt.`);
  return { textOffset, textBytes };
}

function checkedInfo(text: string, dataOffset: number, { name, size }: ByteSource): NpyInfo {
  const descr = /'descr':\s*([^,}]*)/.exec(text)?.[1]?.replaceAll("'", "").trim() ?? "missing";
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const tuple = /'shape':\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  const dtype = Object.hasOwn(typeCodes, descr) ? typeCodes[descr] : undefined;
  if (!dtype) {
    throw new FormatError(
      `${name} holds elements of type ${printable(descr)}; ${Object.keys(typeCodes).join(", ")} can be read. Convert it with NumPy's astype.`,
    );
  }
  if (!order || tuple === undefined)
    throw new FormatError(`${name} has an npy header without ${order ? "shape" : "fortran_order"}: ${printable(text.trim())}`);
  const shape = tuple.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
  const dataBytes = elementCount(shape) * dtypeBytes[dtype];
  if (dataOffset + dataBytes !== size) {
    throw new FormatError(
      `${name} is ${dtype} ${shown(shape)}, which takes ${dataBytes} bytes, but ${size - dataOffset} follow its header: it is cut short or corrupt.`,
    );
  }
  return { dtype, shape, fortranOrder: order === "True", dataOffset };
}

function arrayOf({ dtype, shape, fortranOrder }: NpyInfo, bytes: Uint8Array): HostTensor {
  if (!fortranOrder) return { dtype, shape, bytes };
  let step = 1;
  const strides = shape.map((size) => {
    const stride = step;
    step *= size;
    return stride;
  });
  return { dtype, shape, bytes: toDense(bytes, dtypeBytes[dtype], shape, strides) };
}
