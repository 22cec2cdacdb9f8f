// Ogg pages: the container of Vorbis and Opus, demultiplexed to whole packets with every page's checksum verified.
import type { ByteSource } from "../base/byte-source.ts";
import { concatBytes } from "../base/bytes.ts";
import { oggCrc } from "./crc.ts";

/** The packets that end on one page of the chosen stream. */
export interface OggPage {
  /** Byte of the file at which the page begins. */
  readonly at: number;
  readonly serial: number;
  readonly packets: readonly Uint8Array[];
  /** The granule position after the last of them; undefined when the page has none. */
  readonly granule: number | undefined;
  readonly first: boolean;
  readonly last: boolean;
  /** Packets were lost between the previous page and this one. */
  readonly gap: boolean;
}

export interface OggWalkReport {
  skippedBytes: number;
  corruptPages: number;
}

interface RawPage {
  readonly at: number;
  readonly flags: number;
  readonly granule: number | undefined;
  readonly serial: number;
  readonly sequence: number;
  readonly lacing: Uint8Array;
  readonly body: Uint8Array;
}

const mark = [0x4f, 0x67, 0x67, 0x53]; // "OggS"
const blockBytes = 1 << 17;
const largestPage = 27 + 255 + 255 * 255;

/** Every intact page of the file in order; bytes that are no intact page are skipped and counted. */
async function* rawPages(source: ByteSource, at: number, report: OggWalkReport): AsyncGenerator<RawPage> {
  let held = new Uint8Array(0);
  let heldAt = at;
  for (;;) {
    const from = heldAt + held.length;
    const more = await source.read(from, Math.min(blockBytes, source.size - from));
    const ended = from + more.length >= source.size;
    const bytes = new Uint8Array(held.length + more.length);
    bytes.set(held);
    bytes.set(more, held.length);
    let p = 0;
    while (p < bytes.length && (ended || bytes.length - p >= largestPage)) {
      const length = pageLength(bytes, p);
      const whole = length !== undefined && p + length <= bytes.length;
      const page = whole ? bytes.subarray(p, p + length) : undefined;
      if (page !== undefined && oggCrc(page) === new DataView(page.buffer, page.byteOffset).getUint32(22, true)) {
        yield { at: heldAt + p, ...parsePage(page) };
        p += page.length;
        continue;
      }
      if (length !== undefined) report.corruptPages++;
      const next = bytes.indexOf(mark[0]!, p + 1);
      const skipTo = next < 0 ? bytes.length : next;
      report.skippedBytes += skipTo - p;
      p = skipTo;
    }
    if (ended) return;
    held = bytes.slice(p);
    heldAt += p;
  }
}

/** Bytes of the page that begins here, or undefined when none does. */
function pageLength(bytes: Uint8Array, at: number): number | undefined {
  if (at + 27 > bytes.length || mark.some((byte, i) => bytes[at + i] !== byte) || bytes[at + 4] !== 0) return undefined;
  const segments = bytes[at + 26]!;
  let length = 27 + segments;
  for (let i = 0; i < segments; i++) length += bytes[at + 27 + i] ?? 0;
  return length;
}

function parsePage(page: Uint8Array): Omit<RawPage, "at"> {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const granule = Number(view.getBigInt64(6, true));
  const segments = page[26]!;
  return {
    flags: page[5]!,
    granule: granule < 0 ? undefined : granule,
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    lacing: page.subarray(27, 27 + segments),
    body: page.subarray(27 + segments),
  };
}

/** The pages of the file's logical streams of one codec, recognised by `isHead` on a stream's first packet. The links of a chained file follow
 *  each other, each beginning with a page whose `first` is true. Of streams that are multiplexed, whose first pages stand together at the
 *  beginning of a link (RFC 3533, section 4), the first one of the codec is taken; pictures and other streams are left out. */
export async function* walkOgg(
  source: ByteSource,
  at: number,
  isHead: (packet: Uint8Array) => boolean,
  report: OggWalkReport,
): AsyncGenerator<OggPage> {
  let serial: number | undefined;
  let sequence = 0;
  let partial: Uint8Array[] = [];
  let linkBegins = false; // only first pages have been seen since the link began
  let chosen = false; // the stream of this link is known
  for await (const raw of rawPages(source, at, report)) {
    const first = (raw.flags & 2) !== 0;
    if (first && !linkBegins) chosen = false;
    linkBegins = first;
    if (first && !chosen && isHead(raw.body)) {
      serial = raw.serial;
      partial = [];
      chosen = true;
    } else if (first || raw.serial !== serial) continue;
    const gap = !first && raw.sequence !== sequence + 1;
    const continued = (raw.flags & 1) !== 0;
    if (gap || !continued) partial = [];
    const { packets, rest } = splitPackets(raw, partial, continued && partial.length === 0);
    partial = rest;
    sequence = raw.sequence;
    yield {
      at: raw.at,
      serial: raw.serial,
      packets,
      granule: packets.length > 0 ? raw.granule : undefined,
      first,
      last: (raw.flags & 4) !== 0,
      gap,
    };
  }
}

/** Cuts a page's body into packets by its lacing values: a value below 255 ends a packet. `headless`: the first packet began on a page that
 *  is lost, and is left out. */
function splitPackets({ lacing, body }: RawPage, begun: Uint8Array[], headless: boolean): { packets: Uint8Array[]; rest: Uint8Array[] } {
  const packets: Uint8Array[] = [];
  let parts = begun;
  let drop = headless;
  let at = 0;
  let start = 0;
  for (const value of lacing) {
    at += value;
    if (value === 255) continue;
    parts.push(body.subarray(start, at));
    if (!drop) packets.push(concatBytes(parts));
    drop = false;
    parts = [];
    start = at;
  }
  if (start < at && !drop) parts.push(body.slice(start, at));
  return { packets, rest: parts };
}

/** Packets as new pages for the decoders, numbered from `sequence` on. Their checksums are 0, which the decoders do not verify. */
export function repage(packets: readonly Uint8Array[], sequence: number): Uint8Array[] {
  const pages: Uint8Array[] = [];
  let group: Uint8Array[] = [];
  let segments = 0;
  const close = () => {
    if (group.length === 0) return;
    const page = new Uint8Array(27 + segments + group.reduce((sum, packet) => sum + packet.length, 0));
    const view = new DataView(page.buffer);
    page.set(mark);
    page[5] = sequence + pages.length === 0 ? 2 : 0; // the first page of the stream
    view.setUint32(14, 1, true);
    view.setUint32(18, sequence + pages.length, true);
    page[26] = segments;
    let lace = 27;
    let at = 27 + segments;
    for (const packet of group) {
      page.fill(255, lace, lace + Math.floor(packet.length / 255));
      lace += Math.floor(packet.length / 255);
      page[lace++] = packet.length % 255;
      page.set(packet, at);
      at += packet.length;
    }
    pages.push(page);
    group = [];
    segments = 0;
  };
  for (const packet of packets) {
    const needed = Math.floor(packet.length / 255) + 1;
    if (needed > 255) continue; // larger than a page; Vorbis and Opus encoders do not write such audio packets
    if (segments + needed > 255) close();
    group.push(packet);
    segments += needed;
  }
  close();
  return pages;
}

/** The granule position of the last page that has one, if that page belongs to the stream `serial`. Undefined where the last 128 KiB of the file
 *  hold no such page, and where another stream ends the file, as in a chained file. */
export async function lastGranule(source: ByteSource, serial: number): Promise<number | undefined> {
  const from = Math.max(0, source.size - blockBytes);
  let last: RawPage | undefined;
  for await (const page of rawPages(source, from, { skippedBytes: 0, corruptPages: 0 })) if (page.granule !== undefined) last = page;
  return last?.serial === serial ? last.granule : undefined;
}
