// MP3 frames: headers, the Xing/LAME tag, and iteration over the frames of a file with resynchronisation after damage.
import type { ByteSource } from "../base/byte-source.ts";

/** An MPEG audio frame header. */
export interface Mp3Header {
  /** 1, 2 or 2.5. */
  readonly version: 1 | 2 | 2.5;
  readonly layer: 1 | 2 | 3;
  readonly bitrate: number; // bits a second
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  readonly frameBytes: number;
  readonly frameSamples: number;
}

const bitrates: Record<string, readonly number[]> = {
  "1.1": [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  "1.2": [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  "1.3": [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  "2.1": [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  "2.2": [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};
const rates = [44_100, 48_000, 32_000];

/** The header at byte `at`, or undefined when there is none (free-format frames, bitrate 0, are not recognised). */
export function parseMp3Header(bytes: Uint8Array, at: number): Mp3Header | undefined {
  if (at + 4 > bytes.length || bytes[at] !== 0xff) return undefined;
  const [b1, b2, b3] = [bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
  const versionBits = (b1 >> 3) & 3;
  const layerBits = (b1 >> 1) & 3;
  const rateIndex = (b2 >> 2) & 3;
  if ((b1 & 0xe0) !== 0xe0 || versionBits === 1 || layerBits === 0 || rateIndex === 3) return undefined;
  const version = versionBits === 3 ? 1 : versionBits === 2 ? 2 : 2.5;
  const layer = (4 - layerBits) as 1 | 2 | 3;
  const kilobits = bitrates[version === 1 ? `1.${layer}` : layer === 1 ? "2.1" : "2.2"]![(b2 >> 4) - 1];
  if (kilobits === undefined) return undefined;
  const sampleRateHz = rates[rateIndex]! / (version === 1 ? 1 : 2 * (version === 2.5 ? 2 : 1));
  const padding = (b2 >> 1) & 1;
  const frameSamples = layer === 1 ? 384 : layer === 3 && version !== 1 ? 576 : 1152;
  const slot = layer === 1 ? 4 : 1;
  const frameBytes = (Math.floor(((frameSamples / 8) * kilobits * 1000) / sampleRateHz / slot) + padding) * slot;
  return { version, layer, bitrate: kilobits * 1000, sampleRateHz, channels: b3 >> 6 === 3 ? 1 : 2, frameBytes, frameSamples };
}

/** The Xing, Info or VBRI tag in the first frame of an mp3. */
export interface Mp3Tag {
  /** Audio frames, without the tag's own frame. */
  readonly frames?: number;
  /** Samples that the encoder put before and after the sound, where it stated them (LAME, Lavc). */
  readonly delay?: number;
  readonly padding?: number;
}

/** Reads the tag of a first frame; undefined when the frame is sound. */
export function parseMp3Tag(frame: Uint8Array, header: Mp3Header): Mp3Tag | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const text = (at: number) => String.fromCharCode(...frame.subarray(at, at + 4));
  if (text(36) === "VBRI" && frame.length >= 54) return { frames: view.getUint32(50) };
  const sideInfo = sideInfoBytes(header);
  const at = [4 + sideInfo, 6 + sideInfo].find((place) => ["Xing", "Info"].includes(text(place))); // + 2: behind a CRC
  if (at === undefined || at + 8 > frame.length) return undefined;
  const flags = view.getUint32(at + 4);
  const frames = flags & 1 && at + 12 <= frame.length ? view.getUint32(at + 8) : undefined;
  const lame = at + 8 + (flags & 1 ? 4 : 0) + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0);
  if (lame + 24 > frame.length || !/^L(AME|avc|avf)$/.test(text(lame))) return { ...(frames !== undefined && { frames }) };
  const [d0, d1, d2] = [frame[lame + 21]!, frame[lame + 22]!, frame[lame + 23]!];
  return { ...(frames !== undefined && { frames }), delay: (d0 << 4) | (d1 >> 4), padding: ((d1 & 15) << 8) | d2 };
}

/** Whole frames that follow one another, as one run of bytes. */
export interface Mp3Run {
  readonly bytes: Uint8Array;
  /** Where each frame begins in `bytes`. */
  readonly offsets: readonly number[];
}

/** What a walk met beside frames. */
export interface Mp3WalkReport {
  skippedBytes: number;
  cutFrame: boolean;
}

const blockBytes = 65_536;

/** All frames from byte `at` that share version, layer and rate with `like`, in runs of about 64 KiB. Bytes that are no frame are
 *  skipped until two matching headers follow one another again; trailing tags (ID3v1, APE, Lyrics3) end the walk. */
export async function* walkMp3(source: ByteSource, at: number, like: Mp3Header, report: Mp3WalkReport): AsyncGenerator<Mp3Run> {
  let held = new Uint8Array(0);
  let heldAt = at;
  let synced = false;
  const same = (h: Mp3Header | undefined) =>
    h !== undefined && h.version === like.version && h.layer === like.layer && h.sampleRateHz === like.sampleRateHz;
  for (;;) {
    const more = await source.read(heldAt + held.length, Math.min(blockBytes, source.size - heldAt - held.length));
    const ended = heldAt + held.length + more.length >= source.size;
    const bytes = new Uint8Array(held.length + more.length);
    bytes.set(held);
    bytes.set(more, held.length);
    const offsets: number[] = [];
    const kept: Uint8Array[] = [];
    let keptBytes = 0;
    let p = 0;
    while (p + 4 <= bytes.length) {
      const header = parseMp3Header(bytes, p);
      if (header !== undefined && same(header)) {
        const next = p + header.frameBytes;
        if (next + 4 > bytes.length && !ended) break;
        if (next > bytes.length) {
          if (synced) report.cutFrame = true;
          p = bytes.length;
          break;
        }
        // Out of step, one header is not enough: another must follow, or the end.
        if (synced || next + 4 > bytes.length || same(parseMp3Header(bytes, next))) {
          offsets.push(keptBytes);
          kept.push(bytes.subarray(p, next));
          keptBytes += header.frameBytes;
          p = next;
          synced = true;
          continue;
        }
      }
      if (isTrailingTag(bytes, p)) {
        p = bytes.length;
        if (offsets.length > 0) yield { bytes: joined(kept, keptBytes), offsets };
        return;
      }
      synced = false;
      report.skippedBytes++;
      p++;
    }
    if (offsets.length > 0) yield { bytes: joined(kept, keptBytes), offsets };
    if (ended) return;
    held = bytes.slice(p);
    heldAt += p;
  }
}

/** The bytes of a run from one of its frames on, fit to begin a decode with. A layer III frame may use bytes of up to 511 before
 *  it (the bit reservoir). Decoders leave out frames whose reservoir is missing, and the filter bank's state then depends on
 *  where decoding began; here those frames keep their main data but lose their side information: they decode to silence. */
export function headOfStream({ bytes, offsets }: Mp3Run, from: number): Uint8Array {
  const out = bytes.slice(offsets[from]!);
  let reservoir = 0;
  for (let i = from; i < offsets.length; i++) {
    const at = offsets[i]! - offsets[from]!;
    const header = parseMp3Header(out, at)!;
    if (header.layer !== 3) break;
    const protectedBytes = out[at + 1]! & 1 ? 0 : 2; // a CRC
    const side = at + 4 + protectedBytes;
    const sideBytes = sideInfoBytes(header);
    const mainBytes = header.frameBytes - 4 - protectedBytes - sideBytes;
    const mpeg1 = header.version === 1;
    const begin = mpeg1 ? (out[side]! << 1) | (out[side + 1]! >> 7) : out[side]!; // bytes before the frame, 9 or 8 bits
    if (begin <= reservoir) break;
    out[at + 1] = out[at + 1]! | 1; // no CRC: it would not fit
    out.fill(0, at + 4, side + sideBytes);
    if (mpeg1) [out[at + 4], out[at + 5]] = [reservoir >> 1, (reservoir & 1) << 7];
    else out[at + 4] = reservoir;
    reservoir = Math.min(mpeg1 ? 511 : 255, reservoir + mainBytes);
  }
  return out;
}

function sideInfoBytes({ version, channels }: Mp3Header): number {
  return version === 1 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17;
}

function isTrailingTag(bytes: Uint8Array, at: number): boolean {
  const text = String.fromCharCode(...bytes.subarray(at, at + 8));
  return text.startsWith("TAG") || text === "APETAGEX" || text === "LYRICSBE";
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
