// Byte sources: one interface for reading ranges of a file, a Blob or a remote file, so that every format is read the same way everywhere.
import { FormatError } from "./errors.ts";

/** Random access to a sequence of bytes of known length. */
export interface ByteSource {
  /** A name for messages: a path or address. */
  readonly name: string;
  /** Total length in bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`.
   *  @throws FormatError when the range does not lie inside the source. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** @throws FormatError when [offset, offset + length) does not lie inside the source. */
export function checkRange(source: Pick<ByteSource, "name" | "size">, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!whole || offset + length > source.size) {
    throw new FormatError(
      `${source.name} ends at byte ${source.size}, but bytes ${offset} to ${offset + length} were asked for: it is cut short or corrupt.`,
    );
  }
}

/** A source whose `read` checks each range before `readRange` is called with it. */
export function rangedSource(
  { name, size }: Pick<ByteSource, "name" | "size">,
  readRange: ByteSource["read"],
  close: ByteSource["close"] = async () => {},
): ByteSource {
  const read = async (offset: number, length: number) => {
    checkRange({ name, size }, offset, length);
    return readRange(offset, length);
  };
  return { name, size, read, close };
}

/** Bytes already in memory. Reads are views, not copies. */
export function memorySource(bytes: Uint8Array, name = "memory"): ByteSource {
  return rangedSource({ name, size: bytes.byteLength }, async (offset, length) => bytes.subarray(offset, offset + length));
}

/** A range of another source, under a name of its own. Closing it leaves the other open. */
export function sectionSource(whole: ByteSource, offset: number, size: number, name: string): ByteSource {
  checkRange(whole, offset, size);
  return rangedSource({ name, size }, (at, length) => whole.read(offset + at, length));
}

/** The same bytes, fetched in chunks: consecutive small reads cost one request a chunk. The last chunk is kept. */
export function chunkedSource(whole: ByteSource, chunkBytes: number): ByteSource {
  let held: { readonly offset: number; readonly bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array(0) };
  const readRange = async (offset: number, length: number) => {
    if (length >= chunkBytes) return whole.read(offset, length);
    let { offset: from, bytes } = held;
    if (offset < from || offset + length > from + bytes.length) {
      from = offset;
      bytes = await whole.read(from, Math.min(chunkBytes, whole.size - from));
      held = { offset: from, bytes };
    }
    return bytes.slice(offset - from, offset - from + length);
  };
  return rangedSource(whole, readRange, () => whole.close());
}

/** A Blob or File of the browser. */
export function blobSource(blob: Blob, name = "blob"): ByteSource {
  const readRange = async (offset: number, length: number) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
  return rangedSource({ name, size: blob.size }, readRange);
}
