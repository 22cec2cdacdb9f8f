// Reading zip archives: the central directory of any ByteSource, so that one entry of a large archive is read without the rest.
// The format: PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.4. Torch and NumPy store their entries, so nothing is inflated here.
import type { ByteSource } from "../base/byte-source.ts";
import { FormatError } from "../base/errors.ts";
import { printable } from "../base/shown.ts";

/** A file within an archive. */
export interface ZipEntry {
  readonly name: string;
  /** 0: stored; 8: deflated. */
  readonly method: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly crc: number;
  /** Byte offset of its local header. */
  readonly headerOffset: number;
}

const maxDirectoryBytes = 2 ** 26;
const utf8 = new TextDecoder();

/** The archive's entries by name.
 *  @throws FormatError when there is no directory (the file is cut short or not a zip archive), or the directory is inconsistent. */
export async function readZip(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const end = await findEnd(source);
  const { offset, bytes, count } = end;
  if (offset + bytes > source.size || bytes > maxDirectoryBytes || count * 46 > bytes) {
    throw corrupt(source, `its directory of ${count} entries cannot lie in ${bytes} bytes at ${offset}`);
  }
  const directory = await source.read(offset, bytes);
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes || view.getUint32(at, true) !== 0x02014b50) throw corrupt(source, `entry ${i} of its directory is missing`);
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + 46 + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > bytes) throw corrupt(source, `entry ${i} goes past the end of its directory`);
    const name = utf8.decode(directory.subarray(at + 46, at + 46 + nameBytes));
    if (view.getUint16(at + 8, true) & 1) throw new FormatError(`${printable(name)} in ${source.name} is encrypted.`);
    if (entries.has(name)) throw corrupt(source, `it holds ${printable(name)} twice`);
    const extra = new DataView(directory.buffer, directory.byteOffset + at + 46 + nameBytes, extraBytes);
    const [size, compressedBytes, headerOffset] = wideNumbers(
      extra,
      [24, 20, 42].map((field) => view.getUint32(at + field, true)),
    );
    const entry = {
      name,
      method: view.getUint16(at + 10, true),
      compressedBytes: compressedBytes!,
      bytes: size!,
      crc: view.getUint32(at + 16, true),
      headerOffset: headerOffset!,
    };
    if (entry.headerOffset + 30 + entry.compressedBytes > offset) throw corrupt(source, `${printable(name)} goes past the end of its data`);
    entries.set(name, entry);
    at = next;
  }
  return entries;
}

/** Byte offset of the data of a stored entry, which is `entry.bytes` long.
 *  @throws FormatError when the entry is compressed, or its local header isn't where the directory states. */
export async function storedOffset(source: ByteSource, entry: ZipEntry): Promise<number> {
  if (entry.method !== 0 || entry.bytes !== entry.compressedBytes) {
    const how = entry.method === 8 ? "deflated" : `compressed by method ${entry.method}`;
    throw new FormatError(
      `${printable(entry.name)} in ${source.name} is ${how}, so parts of it can't be read. Pack the archive again with stored entries (zip -0).`,
    );
  }
  return dataOffset(source, entry);
}

/** Byte offset of an entry's data, compressed or not. */
export async function dataOffset(source: ByteSource, entry: ZipEntry): Promise<number> {
  const header = await source.read(entry.headerOffset, 30);
  const view = new DataView(header.buffer, header.byteOffset, 30);
  const start = entry.headerOffset + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (view.getUint32(0, true) !== 0x04034b50 || start + entry.compressedBytes > source.size) {
    throw corrupt(source, `${printable(entry.name)} is not where its directory says`);
  }
  return start;
}

interface End {
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
}

/** The end record: at the end of the file, followed only by a comment of at most 65535 bytes. */
async function findEnd(source: ByteSource): Promise<End> {
  const tailBytes = Math.min(source.size, 22 + 65535);
  const tail = await source.read(source.size - tailBytes, tailBytes);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (let at = tailBytes - 22; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x06054b50 || at + 22 + view.getUint16(at + 20, true) !== tailBytes) continue;
    const end = { count: view.getUint16(at + 10, true), bytes: view.getUint32(at + 12, true), offset: view.getUint32(at + 16, true) };
    const wide = end.count === 0xffff || end.bytes === 0xffffffff || end.offset === 0xffffffff;
    return wide ? findWideEnd(source, source.size - tailBytes + at - 20) : end;
  }
  throw new FormatError(`${source.name} begins like a zip archive but has no directory at its end: it was cut short. Download it again.`);
}

/** The zip64 end record, found through its locator, directly before the plain end record. */
async function findWideEnd(source: ByteSource, locatorOffset: number): Promise<End> {
  const locator = await source.read(locatorOffset, 20);
  const locatorView = new DataView(locator.buffer, locator.byteOffset, 20);
  if (locatorView.getUint32(0, true) !== 0x07064b50) throw corrupt(source, "its zip64 locator is missing");
  const record = await source.read(Number(locatorView.getBigUint64(8, true)), 56);
  const view = new DataView(record.buffer, record.byteOffset, 56);
  if (view.getUint32(0, true) !== 0x06064b50) throw corrupt(source, "its zip64 end record is missing");
  const [count, bytes, offset] = [32, 40, 48].map((field) => Number(view.getBigUint64(field, true)));
  return { count: count!, bytes: bytes!, offset: offset! };
}

/** Resolves the numbers that don't fit 32 bits, which the extra field 0x0001 holds in this order. */
function wideNumbers(extra: DataView, numbers: number[]): number[] {
  let at = 0;
  while (at + 4 <= extra.byteLength && extra.getUint16(at, true) !== 1) at += 4 + extra.getUint16(at + 2, true);
  at += 4;
  return numbers.map((number) => {
    if (number !== 0xffffffff || at + 8 > extra.byteLength) return number;
    at += 8;
    return Number(extra.getBigUint64(at - 8, true));
  });
}

function corrupt(source: ByteSource, reason: string): FormatError {
  return new FormatError(`${source.name} is a broken zip archive: ${reason}.`);
}
