// Ogg Vorbis and Ogg Opus: packets demultiplexed here, decoded by libvorbis and libopus, timed by the pages' clocks.
import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis";
import { OggOpusDecoder } from "ogg-opus-decoder";
import type { ByteSource } from "../base/byte-source.ts";
import { type AudioReader, cutPiece, type SampleRange } from "./audio-reader.ts";
import { inSeconds, UnreadableAudioError } from "./faults.ts";
import { lastGranule, type OggPage, type OggWalkReport, repage, walkOgg } from "./ogg-pages.ts";
import { afterId3 } from "./sniff.ts";

interface OggHead {
  readonly channels: number;
  readonly sampleRateHz: number;
  /** Samples the encoder put before the sound; the decoder drops them, the clock counts them. */
  readonly preSkip: number;
  /** What the samples are to be multiplied with. */
  readonly gain: number;
}

/** What differs between the two codecs. */
interface OggCodec {
  readonly format: "vorbis" | "opus";
  isHead(packet: Uint8Array): boolean;
  parseHead(packet: Uint8Array): OggHead;
  /** Packets before the first of sound; the second holds comments. */
  readonly headers: number;
  readonly noComments: Uint8Array;
  /** Excerpts may be decoded from a page before them and are exact all the same. */
  readonly seeks: boolean;
  newDecoder(): PageDecoder;
}

interface DecodedPage {
  readonly channelData: Float32Array[];
  readonly samplesDecoded: number;
}

/** Both decoders answer one page late: a page is decoded when the next one, or the end, follows it. */
interface PageDecoder {
  readonly ready: Promise<void>;
  decode(bytes: Uint8Array): Promise<DecodedPage> | DecodedPage;
  flush(): Promise<DecodedPage> | DecodedPage;
  free(): void;
}

function startsWith(packet: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (packet[i] !== text.charCodeAt(i)) return false;
  return true;
}

const vorbis: OggCodec = {
  format: "vorbis",
  headers: 3,
  noComments: new TextEncoder().encode("\x03vorbis\0\0\0\0\0\0\0\0\x01"),
  seeks: true,
  isHead: (packet) => startsWith(packet, "\x01vorbis") && packet.length >= 30,
  parseHead: (packet) => ({
    channels: packet[11]!,
    sampleRateHz: new DataView(packet.buffer, packet.byteOffset).getUint32(12, true),
    preSkip: 0,
    gain: 1,
  }),
  newDecoder: () => new OggVorbisDecoder(),
};

const opus: OggCodec = {
  format: "opus",
  headers: 2,
  noComments: new TextEncoder().encode("OpusTags\0\0\0\0\0\0\0\0"),
  // A decoder that begins in the middle only comes close to one that began at the start: its filters run on for ever.
  seeks: false,
  isHead: (packet) => startsWith(packet, "OpusHead") && packet.length >= 19,
  parseHead: (packet) => ({
    channels: packet[9]!,
    sampleRateHz: 48_000, // libopus decodes at this rate, whatever the source had
    preSkip: new DataView(packet.buffer, packet.byteOffset).getUint16(10, true),
    gain: 10 ** (new DataView(packet.buffer, packet.byteOffset).getInt16(16, true) / 256 / 20),
  }),
  newDecoder: () => new OggOpusDecoder(),
};

/** A gap in the clock longer than this is no loss but nonsense. */
const longestGapSeconds = 600;

export const openVorbis = (source: ByteSource): Promise<AudioReader> => openOgg(source, vorbis);
export const openOpus = (source: ByteSource): Promise<AudioReader> => openOgg(source, opus);

/** Opens an Ogg file. Lost pages are replaced by silence of their length as the clock tells it; what encoders add before and after the
 *  sound is cut away. Excerpts of Vorbis are decoded from the page before them, of Opus from the beginning.
 *  @throws UnreadableAudioError when the stream's head is missing or corrupt. */
async function openOgg(source: ByteSource, codec: OggCodec): Promise<AudioReader> {
  const start = await afterId3(source);
  const head = await headPacket(source, start, codec);
  if (head === undefined || head.channels === 0 || head.sampleRateHz === 0) {
    throw new UnreadableAudioError("corrupt", `${source.name} is Ogg with a corrupt ${codec.format} head. Fetch or export it again.`);
  }
  const { channels, sampleRateHz, preSkip } = head;
  const mends: string[] = [];
  const end = await lastGranule(source);
  return {
    format: codec.format,
    sampleRateHz,
    channels,
    samples: end === undefined ? undefined : Math.max(0, end - preSkip),
    mends,
    async *read(range) {
      for await (const { at, channels } of placedPieces({ source, start, codec, head, mends }, range)) {
        const cut = cutPiece(channels, at, range);
        if (cut !== undefined) yield cut;
        if (at + channels[0]!.length >= range.end) return;
      }
    },
  };
}

interface Opened {
  readonly source: ByteSource;
  readonly start: number;
  readonly codec: OggCodec;
  readonly head: OggHead;
  readonly mends: string[];
}

async function headPacket(source: ByteSource, start: number, codec: OggCodec): Promise<OggHead | undefined> {
  for await (const page of walkOgg(source, start, codec.isHead, newReport())) return page.packets[0] && codec.parseHead(page.packets[0]);
  return undefined;
}

function newReport(): OggWalkReport {
  return { skippedBytes: 0, corruptPages: 0 };
}

/** The decoded pages, each at its place on the time line that the clock draws. */
async function* placedPieces(opened: Opened, range: SampleRange): AsyncGenerator<{ at: number; channels: Float32Array[] }> {
  const { head, mends } = opened;
  const report = newReport();
  let lost = 0;
  let ended = false;
  let position: number | undefined = 0; // undefined after a jump: the next page's clock tells
  let clockStart: number | undefined; // what the clock shows at sample 0
  for await (const { page, decoded } of decodePages(opened, range, report)) {
    ended = page.last;
    if (page.jumped) position = undefined;
    if (page.first) clockStart = undefined;
    let channels = scaled(decoded.channelData.slice(0, head.channels), head.gain);
    if (page.granule !== undefined) {
      const clock = page.granule - head.preSkip;
      if (clockStart === undefined) {
        // Above 0 in a stream cut from a broadcast. Below 0 so many samples are to be dropped.
        const start = page.gap || page.last ? 0 : clock - decoded.samplesDecoded;
        channels = channels.map((channel) => channel.subarray(Math.max(0, -start)));
        clockStart = Math.max(0, start) - (position ?? 0);
      }
      const end: number = clock - clockStart;
      const length = channels[0]?.length ?? 0;
      position ??= end - length;
      const missing = end - length - position;
      if (page.gap && missing > 0 && missing < longestGapSeconds * head.sampleRateHz) {
        yield { at: position, channels: channels.map(() => new Float32Array(missing)) };
        position += missing;
        lost += missing;
      }
      // The last page's clock cuts off what the encoder added.
      if (page.last) channels = channels.map((channel) => channel.subarray(0, Math.max(0, end - position!)));
    }
    if (position === undefined || channels.length === 0) continue;
    yield { at: position, channels };
    position += channels[0]!.length;
  }
  if (!ended) mends.push(`truncated after ${inSeconds(position ?? 0, head.sampleRateHz)}: the stream has no end mark`);
  if (lost > 0) mends.push(`${inSeconds(lost, head.sampleRateHz)} of lost pages were replaced by silence`);
  if (report.corruptPages > 0) mends.push(`${report.corruptPages} corrupt pages were skipped`);
}

function scaled(channels: Float32Array[], gain: number): Float32Array[] {
  return gain === 1 ? channels : channels.map((channel) => channel.map((value) => value * gain));
}

/** A page of sound as it went to the decoder. */
interface FedPage extends Omit<OggPage, "packets"> {
  /** Pages before it were left out on purpose. */
  readonly jumped: boolean;
}

/** Feeds the pages to a decoder and pairs each with its samples. Where the codec allows it, pages that end before the range are left
 *  out, all but the last of them, from which the decoder starts. */
async function* decodePages(
  { source, start, codec, head, mends }: Opened,
  range: SampleRange,
  report: OggWalkReport,
): AsyncGenerator<{ page: FedPage; decoded: DecodedPage }> {
  let decoder = codec.newDecoder();
  await decoder.ready;
  let headers = 0;
  let sequence = 0;
  let streams = 0;
  let pending: FedPage | undefined; // fed, not yet answered
  let lead: OggPage | undefined; // left out, but needed should the next page be wanted
  const feed = async function* (page: OggPage, jumped: boolean) {
    const synthetic = repage(page.packets, sequence);
    for (const [i, bytes] of synthetic.entries()) {
      sequence++;
      const decoded = await decoder.decode(bytes);
      if (pending !== undefined) yield { page: pending, decoded };
      const isLast = i === synthetic.length - 1;
      const granule = isLast ? page.granule : undefined;
      pending = { granule, jumped: jumped && i === 0, gap: page.gap && i === 0, first: page.first, last: page.last && isLast };
    }
  };
  const finish = async function* () {
    if (lead !== undefined) yield* feed(lead, true);
    lead = undefined;
    if (pending !== undefined) yield { page: pending, decoded: await decoder.flush() };
    pending = undefined;
  };
  let firstOfSound = true;
  try {
    for await (const page of walkOgg(source, start, codec.isHead, report)) {
      if (page.first) {
        yield* finish();
        const other = page.packets[0] && codec.parseHead(page.packets[0]);
        if (other?.channels !== head.channels || other.sampleRateHz !== head.sampleRateHz) {
          mends.push("a further stream of another kind was left out");
          return;
        }
        if (streams++ > 0) {
          decoder.free();
          decoder = codec.newDecoder();
          await decoder.ready;
        }
        headers = 0;
        sequence = 0;
        firstOfSound = true;
      }
      if (headers < codec.headers) {
        // Comments may hold pictures larger than a page; the decoders need none.
        const packets = page.packets.map((packet, i) => (headers + i === 1 ? codec.noComments : packet));
        headers += packets.length;
        for (const packet of packets) for (const bytes of repage([packet], sequence++)) await decoder.decode(bytes);
        continue;
      }
      const skippable = codec.seeks && streams === 1 && !firstOfSound && page.granule !== undefined && page.granule <= range.start;
      if (skippable) {
        lead = page;
        continue;
      }
      if (lead !== undefined) yield* feed(lead, true);
      lead = undefined;
      yield* feed({ ...page, first: firstOfSound }, false);
      firstOfSound = false;
    }
    yield* finish();
  } finally {
    decoder.free();
  }
}
