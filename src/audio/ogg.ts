// Ogg Vorbis and Ogg Opus: packets demultiplexed here, decoded by libvorbis and libopus, placed by the pages' granule positions.
import type { ByteSource } from "../base/byte-source.ts";
import { concatBytes } from "../base/bytes.ts";
import { type AudioReader, cutPiece, cutToRange, type SampleRange } from "./audio-reader.ts";
import { inSeconds, UnreadableAudioError } from "./faults.ts";
import { type DecodedPage, type OggCodec, type OggHead, opus, vorbis } from "./ogg-codecs.ts";
import { lastGranule, type OggPage, type OggWalkReport, repage, walkOgg } from "./ogg-pages.ts";
import { resampler } from "./resample.ts";
import { silenceBudget } from "./silence.ts";
import { afterId3 } from "./sniff.ts";
import { downmix } from "./waveform.ts";

export const openVorbis = (source: ByteSource): Promise<AudioReader> => openOgg(source, vorbis);
export const openOpus = (source: ByteSource): Promise<AudioReader> => openOgg(source, opus);

/** Opens an Ogg file. Lost pages are replaced by silence of their length according to the granule positions; samples that encoders add before and
 *  after the audio are removed. Excerpts are decoded from shortly before them. The links of a chained file follow each other; a link with
 *  another number of channels or another rate is converted to the first link's.
 *  @throws UnreadableAudioError when the stream's head is missing or corrupt. */
async function openOgg(source: ByteSource, codec: OggCodec): Promise<AudioReader> {
  const start = await afterId3(source);
  const { head, serial } = (await firstHead(source, start, codec)) ?? {};
  if (head === undefined || serial === undefined || head.channels === 0 || head.sampleRateHz === 0) {
    throw new UnreadableAudioError("corrupt", `${source.name} is Ogg with a corrupt ${codec.format} head. Fetch or export it again.`);
  }
  const { channels, sampleRateHz, preSkip } = head;
  const mends: string[] = [];
  const end = await lastGranule(source, serial);
  return {
    format: codec.format,
    sampleRateHz,
    channels,
    samples: end === undefined ? undefined : Math.max(0, end - preSkip),
    mends,
    async *read(range) {
      const opened: Opened = { source, start, codec, head, mends };
      let position = 0;
      for await (const { at, channels } of placedPieces(opened, range)) {
        const cut = cutPiece(channels, at, range);
        position = at + channels[0]!.length;
        if (cut !== undefined) yield cut;
        if (position >= range.end) return;
      }
      yield* cutToRange(convertedLinks(opened), position, range);
    },
  };
}

/** The samples of the links from where the format first differs, with the channels and at the rate of the first link. */
async function* convertedLinks(first: Opened): AsyncGenerator<Float32Array[]> {
  const { source, codec, head: target, mends } = first;
  for (let at = first.differentLinkAt; at !== undefined; ) {
    const { head } = (await firstHead(source, at, codec)) ?? {};
    if (head === undefined || head.channels === 0 || head.sampleRateHz === 0) {
      mends.push("a further stream with a corrupt head was left out, and all that follows it");
      return;
    }
    const same = head.channels === target.channels && head.sampleRateHz === target.sampleRateHz;
    if (!same) mends.push(`a further stream (${head.channels} channels, ${head.sampleRateHz} Hz) was converted to the format of the first`);
    const link: Opened = { source, start: at, codec, head, mends };
    const converters = Array.from({ length: target.channels }, () => resampler({ from: head.sampleRateHz, to: target.sampleRateHz }));
    for await (const { channels } of placedPieces(link, { start: 0, end: Number.POSITIVE_INFINITY })) {
      yield withChannels(channels, target.channels).map((channel, c) => converters[c]!.push(channel));
    }
    yield converters.map((converter) => converter.flush());
    at = link.differentLinkAt;
  }
}

/** One channel becomes any number of equal ones, and any number becomes one, their mean. Otherwise the first channels are kept, and silent ones
 *  are added. */
function withChannels(piece: Float32Array[], count: number): Float32Array[] {
  if (piece.length === count) return piece;
  if (count === 1) return [downmix({ channels: piece })];
  const silent = new Float32Array(piece[0]!.length);
  return Array.from({ length: count }, (_, c) => (piece.length === 1 ? piece[0]!.slice() : (piece[c] ?? silent.slice())));
}

interface Opened {
  readonly source: ByteSource;
  readonly start: number;
  readonly codec: OggCodec;
  readonly head: OggHead;
  readonly mends: string[];
  /** Byte at which a link begins whose format differs, once decoding has come that far. */
  differentLinkAt?: number;
}

async function firstHead(source: ByteSource, start: number, codec: OggCodec): Promise<{ head: OggHead; serial: number } | undefined> {
  for await (const { packets, serial } of walkOgg(source, start, codec.isHead, newReport())) {
    return packets[0] && { head: codec.parseHead(packets[0]), serial };
  }
  return undefined;
}

function newReport(): OggWalkReport {
  return { skippedBytes: 0, corruptPages: 0 };
}

/** The decoded pages, each at its position according to the granule positions. */
async function* placedPieces(opened: Opened, range: SampleRange): AsyncGenerator<{ at: number; channels: Float32Array[] }> {
  const { head, mends } = opened;
  const report = newReport();
  const budget = silenceBudget(head);
  let lost = 0;
  let ended = false;
  let position: number | undefined = 0; // undefined after a jump, until the next page with a granule position
  let clockStart: number | undefined; // the granule position of sample 0
  for await (const { page, decoded } of decodePages(opened, range, report)) {
    ended = page.last;
    if (page.jumped) position = undefined;
    if (page.first) clockStart = undefined;
    let channels = scaled(decoded.channelData.slice(0, head.channels), head.gain);
    if (page.granule !== undefined) {
      const clock = page.granule - head.preSkip;
      if (clockStart === undefined) {
        // Above 0 in a stream cut from a broadcast. Below 0, that many samples are dropped.
        const start = page.gap || page.last ? 0 : clock - decoded.samplesDecoded;
        channels = channels.map((channel) => channel.subarray(Math.max(0, -start)));
        clockStart = Math.max(0, start) - (position ?? 0);
      }
      const end: number = clock - clockStart;
      const length = channels[0]?.length ?? 0;
      position ??= end - length;
      const missing = end - length - position;
      if (page.gap && missing > 0 && budget.take(missing)) {
        yield { at: position, channels: channels.map(() => new Float32Array(missing)) };
        position += missing;
        lost += missing;
      }
      // The granule position of the last page excludes the samples that the encoder added.
      if (page.last) channels = channels.map((channel) => channel.subarray(0, Math.max(0, end - position!)));
    }
    if (position === undefined || channels.length === 0) continue;
    const length = channels[0]!.length; // read before the piece is yielded: its consumer may transfer the memory to another thread
    yield { at: position, channels };
    position += length;
  }
  if (!ended) mends.push(`truncated after ${inSeconds(position ?? 0, head.sampleRateHz)}: the stream has no end mark`);
  if (lost > 0) mends.push(`${inSeconds(lost, head.sampleRateHz)} of lost pages were replaced by silence`);
  if (report.corruptPages > 0) mends.push(`${report.corruptPages} corrupt pages were skipped`);
}

function scaled(channels: Float32Array[], gain: number): Float32Array[] {
  return gain === 1 ? channels : channels.map((channel) => channel.map((value) => value * gain));
}

/** An audio page that was decoded. */
interface FedPage extends Omit<OggPage, "packets" | "at" | "serial"> {
  /** Pages before it were skipped deliberately. */
  readonly jumped: boolean;
}

/** Feeds the pages to a decoder and pairs each with its samples. Pages that end well before the range are skipped, except the
 *  last of them, from which the decoder starts. */
async function* decodePages(
  opened: Opened,
  range: SampleRange,
  report: OggWalkReport,
): AsyncGenerator<{ page: FedPage; decoded: DecodedPage }> {
  const { source, start, codec, head, mends } = opened;
  let stream = await newStream(codec, source.name);
  let streams = 0;
  let crashes = 0;
  let headers: OggPage[] = [];
  let firstOfSound = true;
  let lead: OggPage | undefined; // skipped, but decoded first if the next page is wanted
  let lostBefore = false;
  const restart = async () => {
    stream.free();
    stream = await newStream(codec, source.name);
    for (const page of headers) stream.takeHeaders(page);
  };
  const feed = async function* (page: OggPage, jumped: boolean) {
    try {
      yield* stream.feed({ ...page, first: firstOfSound, gap: page.gap || lostBefore }, jumped);
      lostBefore = false;
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      crashes++;
      lostBefore = true;
      await restart();
    }
    firstOfSound = false;
  };
  const feedLead = async function* () {
    if (lead !== undefined) yield* feed(lead, true);
    lead = undefined;
  };
  try {
    for await (const page of walkOgg(source, start, codec.isHead, report)) {
      if (page.first) {
        yield* feedLead();
        const other = page.packets[0] && codec.parseHead(page.packets[0]);
        if (other?.channels !== head.channels || other.sampleRateHz !== head.sampleRateHz) {
          opened.differentLinkAt = page.at;
          break;
        }
        headers = [];
        if (streams++ > 0) await restart();
        firstOfSound = true;
      }
      if (stream.takeHeaders(page)) {
        headers.push(page);
        continue;
      }
      if (streams === 1 && !firstOfSound && page.granule !== undefined && page.granule <= range.start - codec.prerollSamples) {
        lead = page;
        continue;
      }
      yield* feedLead();
      yield* feed(page, false);
    }
    yield* feedLead();
  } finally {
    stream.free();
  }
  if (crashes > 0) mends.push(`the decoder crashed and was restarted (pages lost: ${crashes})`);
}

/** A decoder for one logical stream. */
async function newStream(codec: OggCodec, name: string) {
  const decoder = codec.newDecoder();
  await decoder.ready;
  const unfed: Uint8Array[] = []; // header pages: they are decoded together with the first audio page
  let headers = 0;
  let sequence = 0;
  let started = false;
  return {
    /** Keeps a header page; false when it is an audio page. */
    takeHeaders(page: OggPage): boolean {
      if (headers >= codec.headers) return false;
      if (page.gap) {
        throw new UnreadableAudioError("corrupt", `${name} is Ogg ${codec.format} whose headers are damaged. Fetch or export it again.`);
      }
      for (const packet of page.packets) {
        // Comments may hold pictures larger than a page; the decoders need none.
        unfed.push(...repage([headers++ === 1 ? codec.noComments : packet], sequence++));
      }
      return true;
    },
    async *feed(page: OggPage, jumped: boolean): AsyncGenerator<{ page: FedPage; decoded: DecodedPage }> {
      const fresh = repage(page.packets, sequence);
      sequence += fresh.length;
      for (const [i, bytes] of fresh.entries()) {
        // The package decodes a page once it has seen one byte more: each is sent with the first byte of the next page, and without its own.
        const whole = concatBytes([...unfed.splice(0), bytes, firstByte]);
        const decoded = await decoder.decode(started ? whole.subarray(1) : whole);
        started = true;
        const isLast = i === fresh.length - 1;
        const granule = isLast ? page.granule : undefined;
        const fed = { granule, jumped: jumped && i === 0, gap: page.gap && i === 0, first: page.first, last: page.last && isLast };
        yield { page: fed, decoded };
      }
    },
    free() {
      try {
        decoder.free();
      } catch {
        // A decoder that trapped may trap again; its memory is freed with it.
      }
    },
  };
}

const firstByte = Uint8Array.of(0x4f); // the O of OggS
