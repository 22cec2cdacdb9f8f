// NumPy's npz files: several npy arrays in one zip archive.
import { inflateSync } from "fflate";
import type { ByteSource } from "../base/byte-source.ts";
import { crc32 } from "../base/crc32.ts";
import { FormatError, messageOf } from "../base/errors.ts";
import type { HostTensor } from "../base/host-tensor.ts";
import { printable } from "../base/shown.ts";
import { npyBytes, parseNpy } from "./npy.ts";
import { dataOffset, readZip, type ZipEntry } from "./zip.ts";
import { zipChunks } from "./zip-write.ts";

/** The arrays of an npz file by name, stored (`np.savez`) or deflated (`np.savez_compressed`). The whole file is read into memory; for
 *  arrays larger than memory use npy. @throws FormatError when the archive or an array in it is corrupt. */
export async function readNpz(source: ByteSource): Promise<Map<string, HostTensor>> {
  const arrays = new Map<string, HostTensor>();
  for (const entry of (await readZip(source)).values()) {
    const name = `${source.name}: ${printable(entry.name)}`;
    const bytes = await entryBytes(source, entry, name);
    if (crc32(bytes) !== entry.crc) throw new FormatError(`${name} is corrupt: its checksum is wrong.`);
    arrays.set(entry.name.replace(/\.npy$/, ""), parseNpy(bytes, name));
  }
  return arrays;
}

/** An npz file in chunks, stored, for `writeAtomic`. @throws ShapeError for bfloat16, which NumPy does not have. */
export function npzChunks(arrays: Iterable<readonly [string, HostTensor]>): AsyncGenerator<Uint8Array> {
  const inputs = Array.from(arrays, ([name, tensor]) => {
    const file = npyBytes(tensor);
    return { name: `${name}.npy`, bytes: file.length, read: async () => file };
  });
  return zipChunks(inputs);
}

async function entryBytes(source: ByteSource, entry: ZipEntry, name: string): Promise<Uint8Array> {
  const packed = await source.read(await dataOffset(source, entry), entry.compressedBytes);
  if (entry.method === 0) return packed;
  // Deflate compresses by at most 1032 to 1, so an entry that claims more is hostile.
  if (entry.method !== 8 || entry.bytes > 1032 * entry.compressedBytes) {
    throw new FormatError(
      `${name} is compressed by method ${entry.method} from ${entry.bytes} bytes to ${entry.compressedBytes}, which can't be read.`,
    );
  }
  try {
    return inflateSync(packed, { out: new Uint8Array(entry.bytes) });
  } catch (error) {
    throw new FormatError(`${name} can't be inflated: ${messageOf(error)}.`);
  }
}
