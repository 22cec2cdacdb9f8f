// safetensors: a JSON header and raw data. The whole header is validated before it is used.
// The format: https://github.com/huggingface/safetensors#format
import type { ByteSource } from "../base/byte-source.ts";
import { type DType, dtypeBytes } from "../base/dtypes.ts";
import { FormatError, ShapeError } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { printable, shown } from "../base/shown.ts";
import { type LazyTensor, lookup, type TensorFile, type TensorInfo, tensorBytes } from "./tensor-file.ts";

const dtypeOf: Readonly<Record<string, DType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};
const codeOf = new Map(Object.entries(dtypeOf).map(([code, dtype]) => [dtype, code]));

const maxHeaderBytes = 2 ** 25; // the reference implementation allows 100 MB, a tenth of which is enough for any known checkpoint
const maxTensors = 200_000;

interface Entry extends TensorInfo {
  /** Offsets of the first byte and of the end of the data, relative to the data section. */
  readonly begin: number;
  readonly end: number;
}

/** Opens a safetensors file: the header is read and validated, tensors are read on demand.
 *  @throws FormatError when the header is not valid, or the tensors don't fill the data section exactly. */
export async function openSafetensors(source: ByteSource): Promise<TensorFile> {
  const fail = (reason: string): never => {
    throw new FormatError(`${source.name} is not a valid safetensors file: ${reason}.`);
  };
  if (source.size < 8) fail(`it has ${source.size} bytes, fewer than the 8 of its length field`);
  const start = await source.read(0, 8);
  const headerBytes = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (headerBytes > maxHeaderBytes) fail(`it claims a header of ${headerBytes} bytes`);
  if (8 + headerBytes > source.size) fail(`its header of ${headerBytes} bytes goes past its end at byte ${source.size}`);
  const header = parseHeader(await source.read(8, headerBytes), source.name, fail);

  if (Object.keys(header).length > maxTensors) fail(`it describes more than ${maxTensors} tensors`);
  const { __metadata__: metadata = {}, ...described } = header;
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    fail("its __metadata__ is not an object of strings");
  }
  const tensors = new Map(Object.entries(described).map(([name, value]) => [name, checkedEntry(name, value, fail)]));
  checkLayout(tensors, source.size - 8 - headerBytes, fail);

  return {
    format: "safetensors",
    name: source.name,
    metadata: metadata as Record<string, string>,
    tensors,
    read: async (name) => {
      const { dtype, shape, begin, end } = lookup(tensors, name, source.name);
      return { dtype, shape, bytes: await source.read(8 + headerBytes + begin, end - begin) };
    },
    close: () => source.close(),
  };
}

/** A safetensors file in chunks, one tensor in memory at a time. Wide dtypes come first and names in order, so that
 *  every tensor is aligned and the same tensors always give the same file.
 *  @throws ShapeError when the bytes of a tensor do not fill its shape; FormatError when a name occurs twice. */
export async function* safetensorsChunks(
  tensors: Iterable<LazyTensor>,
  metadata?: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const ordered = [...tensors].sort((a, b) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype] || (a.name < b.name ? -1 : 1));
  const names = new Set<string>(["__metadata__"]);
  const fields = metadata ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    if (names.has(name)) throw new FormatError(`A safetensors file can't hold two tensors named ${printable(name)}.`);
    names.add(name);
    const begin = end;
    end += tensorBytes({ dtype, shape });
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype: codeOf.get(dtype), shape, data_offsets: [begin, end] })}`);
  }
  const text = new TextEncoder().encode(`{${fields.join(",")}}`);
  const header = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(text, 8);
  yield header;
  for (const tensor of ordered) {
    const { bytes } = await tensor.read();
    if (bytes.length !== tensorBytes(tensor)) {
      throw new ShapeError(
        `${printable(tensor.name)} is ${tensor.dtype} ${shown(tensor.shape)} and needs ${tensorBytes(tensor)} bytes, but ${bytes.length} came.`,
      );
    }
    yield bytes;
  }
}

function parseHeader(bytes: Uint8Array, fileName: string, fail: (reason: string) => never): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail("its header is not UTF-8");
  }
  // A tensor takes about eight values.
  const header = parseJson(text, `The header of ${fileName}`, { depth: 8, values: 16 * maxTensors });
  return isObject(header) ? header : fail("its header is not a JSON object");
}

function checkedEntry(name: string, value: unknown, fail: (reason: string) => never): Entry {
  const label = printable(name);
  if (!isObject(value)) return fail(`the header describes ${label} as ${shown(value)}`);
  const { dtype: code, shape, data_offsets: offsets } = value;
  const dtype = typeof code === "string" && Object.hasOwn(dtypeOf, code) ? dtypeOf[code] : undefined;
  if (!dtype) return fail(`${label} has the unknown dtype ${shown(code)}; ${Object.keys(dtypeOf).join(", ")} can be read`);
  if (!isCounts(shape)) return fail(`${label} has the shape ${shown(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2) return fail(`${label} has the data_offsets ${shown(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const needed = tensorBytes({ dtype, shape });
  if (end - begin !== needed)
    return fail(`${label} is ${code} ${shown(shape)}, which takes ${needed} bytes, but its offsets give ${end - begin}`);
  return { dtype, shape, begin, end };
}

/** Checks that the tensors cover the data section exactly once, without gaps. */
function checkLayout(tensors: ReadonlyMap<string, Entry>, dataBytes: number, fail: (reason: string) => never): void {
  let end = 0;
  for (const [name, entry] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin < end) fail(`${printable(name)} begins at byte ${entry.begin}, within the tensor before it, which ends at ${end}`);
    if (entry.begin > end) fail(`a hole of ${entry.begin - end} bytes lies before ${printable(name)}`);
    end = entry.end;
  }
  if (end > dataBytes) fail(`its tensors take ${end} bytes, but ${dataBytes} follow the header: it is cut short`);
  if (end < dataBytes) fail(`${dataBytes - end} bytes follow the last tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
