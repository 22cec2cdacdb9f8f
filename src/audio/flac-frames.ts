// FLAC frames: STREAMINFO, frame headers, and iteration over the frames with both checksums verified and resynchronisation after damage.
import type { ByteSource } from "../base/byte-source.ts";
import { crc8, crc16Step } from "./crc.ts";
import { UnreadableAudioError } from "./faults.ts";

/** The STREAMINFO block. */
export interface FlacInfo {
  /** Block size of a stream with fixed block sizes. */
  readonly blockSamples: number;
  readonly maxBlockSamples: number;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bits: number;
  /** Samples per channel; 0 where the encoder did not know it. */
  readonly samples: number;
  /** Byte offset of the first frame. */
  readonly firstFrame: number;
}

/** A frame whose header CRC-8 and frame CRC-16 are correct. */
export interface FlacFrame {
  /** Byte offset in the file. */
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly firstSample: number;
  readonly samples: number;
}

export interface FlacWalkReport {
  skippedBytes: number;
  cutFrame: boolean;
}

/** Reads the metadata blocks after the marker "fLaC" at byte `start`. @throws UnreadableAudioError when they are corrupt. */
export async function readFlacInfo(source: ByteSource, start: number): Promise<FlacInfo> {
  let info: Omit<FlacInfo, "firstFrame"> | undefined;
  for (let at = start + 4; at + 4 <= source.size; ) {
    const head = await source.read(at, 4);
    const type = head[0]! & 0x7f;
    const size = (head[1]! << 16) | (head[2]! << 8) | head[3]!;
    if (type === 127) break;
    if (type === 0 && size >= 34 && at + 38 <= source.size) info = parseStreamInfo(await source.read(at + 4, 34));
    at += 4 + size;
    if (head[0]! & 0x80 && info !== undefined && info.sampleRateHz > 0) return { ...info, firstFrame: Math.min(at, source.size) };
  }
  throw new UnreadableAudioError(
    "corrupt",
    `${source.name} is a corrupt FLAC file: its metadata is cut short or damaged. Fetch or export it again.`,
  );
}

function parseStreamInfo(b: Uint8Array): Omit<FlacInfo, "firstFrame"> {
  return {
    blockSamples: (b[0]! << 8) | b[1]!,
    maxBlockSamples: (b[2]! << 8) | b[3]!,
    sampleRateHz: (b[10]! << 12) | (b[11]! << 4) | (b[12]! >> 4),
    channels: ((b[12]! >> 1) & 7) + 1,
    bits: (((b[12]! & 1) << 4) | (b[13]! >> 4)) + 1,
    samples: (b[13]! & 15) * 2 ** 32 + new DataView(b.buffer, b.byteOffset).getUint32(14),
  };
}

interface FrameHeader {
  readonly firstSample: number;
  readonly samples: number;
}

/** The frame header at byte `at` with a correct CRC-8; undefined when there is none or it belongs to another stream. */
export function parseFlacHeader(b: Uint8Array, at: number, info: FlacInfo): FrameHeader | undefined {
  if (at + 6 > b.length || b[at] !== 0xff || (b[at + 1]! & 0xfe) !== 0xf8) return undefined;
  const sizeCode = b[at + 2]! >> 4;
  const rateCode = b[at + 2]! & 15;
  const channelCode = b[at + 3]! >> 4;
  const channels = channelCode < 8 ? channelCode + 1 : 2;
  if (sizeCode === 0 || rateCode === 15 || channelCode > 10 || channels !== info.channels || b[at + 3]! & 1) return undefined;
  const number = codedNumber(b, at + 4);
  if (number === undefined) return undefined;
  let end = at + 4 + number.bytes;
  let samples = sizeCode === 1 ? 192 : sizeCode < 6 ? 576 << (sizeCode - 2) : 256 << (sizeCode - 8);
  if (sizeCode === 6) samples = b[end]! + 1;
  if (sizeCode === 7) samples = ((b[end]! << 8) | b[end + 1]!) + 1;
  end += sizeCode === 6 ? 1 : sizeCode === 7 ? 2 : 0;
  end += rateCode === 12 ? 1 : rateCode > 12 ? 2 : 0;
  if (end >= b.length || crc8(b, at, end) !== b[end]) return undefined;
  const variable = (b[at + 1]! & 1) === 1;
  return { firstSample: variable ? number.value : number.value * info.blockSamples, samples };
}

/** A frame or sample number of up to 36 bits in the extended UTF-8 coding. */
function codedNumber(b: Uint8Array, at: number): { value: number; bytes: number } | undefined {
  const first = b[at]!;
  if (first < 0x80) return { value: first, bytes: 1 };
  const bytes = Math.clz32(~(first << 24));
  if (bytes < 2 || bytes > 7) return undefined;
  let value = bytes === 7 ? 0 : first & (0x7f >> bytes);
  for (let i = 1; i < bytes; i++) {
    const next = b[at + i];
    if (next === undefined || (next & 0xc0) !== 0x80) return undefined;
    value = value * 64 + (next & 0x3f);
  }
  return { value, bytes };
}

const blockBytes = 1 << 17;

/** All frames from byte `at` on, read in blocks of `atOnce` bytes or of twice the largest possible frame. A frame ends where its CRC-16 is 0
 *  and another header follows; bytes that belong to no such frame are skipped and counted. */
export async function* walkFlac(
  source: ByteSource,
  at: number,
  info: FlacInfo,
  report: FlacWalkReport,
  atOnce = blockBytes,
): AsyncGenerator<FlacFrame[]> {
  // A frame is at most as large as its uncompressed samples and a few bytes of headers.
  const largest = Math.ceil((info.maxBlockSamples * info.channels * (info.bits + 1)) / 8) + 4096;
  let held = new Uint8Array(0);
  let heldAt = at;
  for (;;) {
    const from = heldAt + held.length;
    const more = await source.read(from, Math.min(Math.max(atOnce, 2 * largest), source.size - from));
    const ended = from + more.length >= source.size;
    const bytes = new Uint8Array(held.length + more.length);
    bytes.set(held);
    bytes.set(more, held.length);
    const frames: FlacFrame[] = [];
    let p = 0;
    while (p < bytes.length && (ended || bytes.length - p > largest + 32)) {
      const header = parseFlacHeader(bytes, p, info);
      const end = header && frameEnd(bytes, p, Math.min(bytes.length, p + largest), info, ended);
      if (header !== undefined && end !== undefined) {
        frames.push({ at: heldAt + p, bytes: bytes.subarray(p, end), ...header });
        report.cutFrame = false; // A frame that is followed by another one is damaged, not cut.
        p = end;
      } else {
        if (header !== undefined && ended) report.cutFrame = true;
        const next = bytes.indexOf(0xff, p + 1);
        const skipTo = next < 0 ? bytes.length : next;
        report.skippedBytes += skipTo - p;
        p = skipTo;
      }
    }
    if (frames.length > 0) yield frames;
    if (ended) return;
    held = bytes.slice(p);
    heldAt += p;
  }
}

/** The end of the frame at `from`: where its CRC-16 is 0 and another header follows. If none follows before `limit`, the next frame is damaged
 *  and the first place with a CRC-16 of 0 is taken; undefined when there is none. */
function frameEnd(bytes: Uint8Array, from: number, limit: number, info: FlacInfo, ended: boolean): number | undefined {
  let crc = 0;
  let unconfirmed: number | undefined;
  for (let p = from; p < limit; p++) {
    crc = crc16Step(crc, bytes[p]!);
    if (crc !== 0 || p <= from + 8) continue;
    if ((ended && p + 1 === bytes.length) || parseFlacHeader(bytes, p + 1, info) !== undefined) return p + 1;
    unconfirmed ??= p + 1;
  }
  return unconfirmed;
}
