// Tar archives: POSIX ustar with pax headers for long names and sizes, read from any ByteSource and written as a stream.
// The format: IEEE Std 1003.1, pax, "ustar Interchange Format" and "pax Header Block".
import type { ByteSource } from "../base/byte-source.ts";
import { concatBytes } from "../base/bytes.ts";
import { FormatError } from "../base/errors.ts";
import { printable } from "../base/shown.ts";

/** A regular file within an archive. */
export interface TarEntry {
  readonly name: string;
  readonly bytes: number;
  /** Byte offset of its data in the archive. */
  readonly dataOffset: number;
  /** Byte offsets of its headers and of the next entry. */
  readonly start: number;
  readonly end: number;
}

/** A file to write into an archive. Its length must be known in advance. */
export interface TarInput {
  readonly name: string;
  readonly bytes: number;
  read(): Promise<Uint8Array>;
}

const block = 512;
/** Limit of an extended header, which holds names and a few numbers. */
const maxExtendedBytes = 1 << 20;
const utf8 = new TextDecoder();

/** The regular files of an archive in their order, from the header at byte `from` on. Folders, links and devices are skipped. Nothing is
 *  unpacked, so any name is harmless.
 *  @throws FormatError when a header is damaged or states a size that the archive can't hold, or the archive ends without its end mark. */
export async function* readTar(source: ByteSource, from = 0): AsyncGenerator<TarEntry> {
  let start = from;
  let extended: { path?: string; size?: number } = {};
  for (let at = from; ; ) {
    if (at + block > source.size) throw cutShort(source, `it ends at byte ${source.size} without an end mark`);
    const header = await source.read(at, block);
    if (header.every((byte) => byte === 0)) return;
    checkHeader(header, at, source);
    const type = String.fromCharCode(header[156]!);
    const bytes = (type === "x" || type === "L" ? undefined : extended.size) ?? numberAt(header, 124, 12, at, source);
    const dataOffset = at + block;
    const end = dataOffset + Math.ceil(bytes / block) * block;
    if (dataOffset + bytes > source.size) {
      throw cutShort(source, `the file at byte ${at} claims ${bytes} bytes, but ${source.size - dataOffset} follow`);
    }
    if (type === "x" || type === "L" || type === "K" || type === "g") {
      if (bytes > maxExtendedBytes) throw broken(source, `the extended header at byte ${at} claims ${bytes} bytes`);
      const data = await source.read(dataOffset, bytes);
      if (type === "x") extended = { ...extended, ...paxRecords(data, at, source) };
      if (type === "L") extended = { ...extended, path: textOf(data) };
    } else {
      const name = extended.path ?? nameOf(header);
      if (type === "0" || type === "\0" || type === "7") yield { name, bytes, dataOffset, start, end };
      extended = {};
      start = end;
    }
    at = end;
  }
}

/** An archive in chunks: two blocks of zeros end it. Times and owners are 0, so the same files give the same bytes.
 *  @throws FormatError when a file comes with another length than it announced. */
export async function* tarChunks(inputs: Iterable<TarInput> | AsyncIterable<TarInput>): AsyncGenerator<Uint8Array> {
  for await (const { name, bytes, read } of inputs) {
    const data = await read();
    if (data.length !== bytes) throw new FormatError(`${name} was announced with ${bytes} bytes, but ${data.length} came.`);
    yield tarHeaders(name, bytes);
    yield data;
    yield new Uint8Array(paddingOf(bytes));
  }
  yield new Uint8Array(2 * block);
}

/** Bytes that a file takes in an archive: headers, data and padding. */
export function tarBytes(name: string, bytes: number): number {
  return tarHeaders(name, bytes).length + bytes + paddingOf(bytes);
}

const paddingOf = (bytes: number) => (block - (bytes % block)) % block;

/** The header of a file, preceded by an extended header if its name or size does not fit. */
function tarHeaders(name: string, bytes: number): Uint8Array {
  const encoded = new TextEncoder().encode(name);
  const records: string[] = [];
  if (encoded.length > 100 || encoded.length !== name.length) records.push(paxRecord("path", name));
  if (bytes > 0o77777777777) records.push(paxRecord("size", String(bytes)));
  const plain = ustarHeader(encoded.subarray(0, 100), Math.min(bytes, 0o77777777777), "0");
  if (records.length === 0) return plain;
  const body = new TextEncoder().encode(records.join(""));
  const padding = new Uint8Array(paddingOf(body.length));
  return concatBytes([ustarHeader(new TextEncoder().encode("pax"), body.length, "x"), body, padding, plain]);
}

function ustarHeader(name: Uint8Array, bytes: number, type: string): Uint8Array {
  const header = new Uint8Array(block);
  const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
  header.set(name, 0);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${bytes.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, "        "); // the checksum is computed with blanks in its own field
  put(156, type);
  put(257, "ustar\x0000");
  put(148, `${checksum(header).toString(8).padStart(6, "0")}\0 `);
  return header;
}

/** "length key=value\n", where the length includes its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = new TextEncoder().encode(` ${key}=${value}\n`).length;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

function paxRecords(data: Uint8Array, at: number, source: ByteSource): { path?: string; size?: number } {
  const fields: { path?: string; size?: number } = {};
  for (let from = 0; from < data.length; ) {
    const blank = data.indexOf(0x20, from);
    const length = Number(utf8.decode(data.subarray(from, Math.max(from, blank))));
    if (blank < 0 || !Number.isSafeInteger(length) || length <= blank - from + 1 || from + length > data.length) {
      throw broken(source, `the extended header at byte ${at} is no list of records`);
    }
    const record = utf8.decode(data.subarray(blank + 1, from + length - 1));
    const [key, value] = [record.slice(0, record.indexOf("=")), record.slice(record.indexOf("=") + 1)];
    if (key === "path") fields.path = value;
    if (key === "size") {
      fields.size = Number(value);
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(fields.size))
        throw broken(source, `the file at byte ${at} claims a size of ${printable(value)}`);
    }
    from += length;
  }
  return fields;
}

function nameOf(header: Uint8Array): string {
  const posix = utf8.decode(header.subarray(257, 263)) === "ustar\0"; // GNU's older form has times in the place of the prefix
  const prefix = posix ? textOf(header.subarray(345, 500)) : "";
  const name = textOf(header.subarray(0, 100));
  return prefix === "" ? name : `${prefix}/${name}`;
}

function checkHeader(header: Uint8Array, at: number, source: ByteSource): void {
  const told = numberAt(header, 148, 8, at, source);
  const copy = header.slice();
  copy.fill(0x20, 148, 156);
  if (checksum(copy) !== told) throw broken(source, `no header stands at byte ${at}, or a damaged one`);
}

function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte) => sum + byte, 0);
}

/** A field of octal digits, or GNU's binary form for numbers that have more. */
function numberAt(header: Uint8Array, from: number, length: number, at: number, source: ByteSource): number {
  const field = header.subarray(from, from + length);
  let value = Number.NaN;
  if (field[0] === 0x80) value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  else {
    const text = textOf(field).trim();
    if (/^[0-7]*$/.test(text)) value = Number.parseInt(text || "0", 8);
  }
  if (!Number.isSafeInteger(value)) throw broken(source, `the header at byte ${at} holds no number where one belongs`);
  return value;
}

/** Text up to the first zero byte. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function cutShort({ name }: ByteSource, reason: string): FormatError {
  return new FormatError(`${name} is a tar archive that was cut short: ${reason}. Copy it again.`);
}

function broken({ name }: ByteSource, reason: string): FormatError {
  return new FormatError(`${name} is a broken tar archive: ${reason}.`);
}
