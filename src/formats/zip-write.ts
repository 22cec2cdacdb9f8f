// Writing zip archives: a stream of stored entries, each aligned for memory mapping, with one entry in memory at a time.

import { concatBytes } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { FormatError } from "../base/errors.ts";

/** A file to write into an archive. Its length must be known in advance. */
export interface ZipInput {
  readonly name: string;
  readonly bytes: number;
  read(): Promise<Uint8Array>;
}

/** An entry that has been written, for the central directory. */
export interface WrittenEntry {
  readonly name: string;
  readonly bytes: number;
  readonly crc: number;
  readonly headerOffset: number;
}

const limit = 0xffffffff;

/** An archive in chunks. Every entry's data begins at a multiple of 64 bytes, as in PyTorch's files; zip64 is used above 4 GiB.
 *  @throws FormatError when an entry comes with another length than it announced. */
export async function* zipChunks(inputs: Iterable<ZipInput>): AsyncGenerator<Uint8Array> {
  const written: WrittenEntry[] = [];
  let at = 0;
  for (const { name, bytes, read } of inputs) {
    const data = await read();
    if (data.length !== bytes) throw new FormatError(`${name} was announced with ${bytes} bytes, but ${data.length} came.`);
    const entry = { name, bytes, crc: crc32(data), headerOffset: at };
    const header = localHeader(entry);
    yield header;
    yield data;
    written.push(entry);
    at += header.length + bytes;
  }
  yield zipDirectory(written, at);
}

/** The header before an entry's data. Its extra field pads the data to a multiple of 64 bytes. */
function localHeader(entry: WrittenEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const wide = entry.bytes >= limit ? wideField([entry.bytes, entry.bytes]) : new Uint8Array();
  const before = entry.headerOffset + 30 + name.length + wide.length + 4;
  const padding = Math.ceil(before / 64) * 64 - before;
  const header = new Uint8Array(before + padding - entry.headerOffset);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x04034b50, true);
  common(view, 4, entry, name.length);
  view.setUint16(28, wide.length + 4 + padding, true);
  header.set(name, 30);
  header.set(wide, 30 + name.length);
  // PyTorch's own padding field, "FB".
  view.setUint16(30 + name.length + wide.length, 0x4246, true);
  view.setUint16(32 + name.length + wide.length, padding, true);
  return header;
}

/** The directory that ends an archive, for entries that end at byte `offset`. */
export function zipDirectory(entries: readonly WrittenEntry[], offset: number): Uint8Array {
  const records = entries.map(directoryRecord);
  const bytes = records.reduce((sum, record) => sum + record.length, 0);
  const wide = offset >= limit || bytes >= limit || entries.length >= 0xffff;
  const end = new DataView(new ArrayBuffer((wide ? 76 : 0) + 22));
  if (wide) {
    end.setUint32(0, 0x06064b50, true);
    end.setBigUint64(4, 44n, true);
    end.setUint16(12, 45, true);
    end.setUint16(14, 45, true);
    [entries.length, entries.length, bytes, offset].forEach((value, i) => {
      end.setBigUint64(24 + 8 * i, BigInt(value), true);
    });
    end.setUint32(56, 0x07064b50, true);
    end.setBigUint64(64, BigInt(offset + bytes), true);
    end.setUint32(72, 1, true);
  }
  const plain = end.byteLength - 22;
  end.setUint32(plain, 0x06054b50, true);
  end.setUint16(plain + 8, wide ? 0xffff : entries.length, true);
  end.setUint16(plain + 10, wide ? 0xffff : entries.length, true);
  end.setUint32(plain + 12, wide ? limit : bytes, true);
  end.setUint32(plain + 16, wide ? limit : offset, true);
  return concatBytes([...records, new Uint8Array(end.buffer)]);
}

function directoryRecord(entry: WrittenEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const wideNumbers = [
    ...(entry.bytes >= limit ? [entry.bytes, entry.bytes] : []),
    ...(entry.headerOffset >= limit ? [entry.headerOffset] : []),
  ];
  const wide = wideNumbers.length ? wideField(wideNumbers) : new Uint8Array();
  const record = new Uint8Array(46 + name.length + wide.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, 45, true);
  common(view, 6, entry, name.length);
  view.setUint16(30, wide.length, true);
  view.setUint32(42, Math.min(entry.headerOffset, limit), true);
  record.set(name, 46);
  record.set(wide, 46 + name.length);
  return record;
}

/** The fields that local headers and directory records share: from "version needed" to the length of the name. */
function common(view: DataView, at: number, { bytes, crc }: WrittenEntry, nameBytes: number): void {
  view.setUint16(at, bytes >= limit ? 45 : 20, true);
  view.setUint16(at + 2, 0x0800, true); // names are UTF-8
  view.setUint16(at + 8, 0x21, true); // 1 January 1980: so that the same values give the same bytes
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, Math.min(bytes, limit), true);
  view.setUint32(at + 18, Math.min(bytes, limit), true);
  view.setUint16(at + 22, nameBytes, true);
}

function wideField(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 + 8 * values.length));
  view.setUint16(0, 1, true);
  view.setUint16(2, 8 * values.length, true);
  values.forEach((value, i) => {
    view.setBigUint64(4 + 8 * i, BigInt(value), true);
  });
  return new Uint8Array(view.buffer);
}
