// Bytes: one way to read a file, a Blob and a remote file by ranges, so that every format opens the same everywhere.
import { FormatError } from "./errors.ts";

/** Random access to a fixed run of bytes. */
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

/** Bytes already in memory. Reads are views, not copies. */
export function memorySource(bytes: Uint8Array, name = "memory"): ByteSource {
  const source = {
    name,
    size: bytes.byteLength,
    read: async (offset: number, length: number) => {
      checkRange(source, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    close: async () => {},
  };
  return source;
}

/** A run of bytes within another source, under a name of its own. Closing it leaves the other open. */
export function sectionSource(whole: ByteSource, offset: number, size: number, name: string): ByteSource {
  checkRange(whole, offset, size);
  const source = {
    name,
    size,
    read: async (at: number, length: number) => {
      checkRange(source, at, length);
      return whole.read(offset + at, length);
    },
    close: async () => {},
  };
  return source;
}

/** The same bytes, fetched in chunks: many small reads that follow one another cost one request a chunk. The last chunk is kept. */
export function chunkedSource(whole: ByteSource, chunkBytes: number): ByteSource {
  let held: { readonly offset: number; readonly bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array(0) };
  const { name, size } = whole;
  return {
    name,
    size,
    async read(offset, length) {
      checkRange(whole, offset, length);
      if (length >= chunkBytes) return whole.read(offset, length);
      let { offset: from, bytes } = held;
      if (offset < from || offset + length > from + bytes.length) {
        from = offset;
        bytes = await whole.read(from, Math.min(chunkBytes, size - from));
        held = { offset: from, bytes };
      }
      return bytes.slice(offset - from, offset - from + length);
    },
    close: () => whole.close(),
  };
}

/** A Blob or File of the browser. */
export function blobSource(blob: Blob, name = "blob"): ByteSource {
  const source = {
    name,
    size: blob.size,
    read: async (offset: number, length: number) => {
      checkRange(source, offset, length);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
    close: async () => {},
  };
  return source;
}
