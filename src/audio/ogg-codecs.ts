// Ogg codecs: what Vorbis and Opus differ in, as far as the container is concerned.
import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis";
import { OggOpusDecoder } from "ogg-opus-decoder";

/** What a stream's first packet tells. */
export interface OggHead {
  readonly channels: number;
  readonly sampleRateHz: number;
  /** Samples the encoder put before the sound; the decoder drops them, the clock counts them. */
  readonly preSkip: number;
  /** What the samples are to be multiplied with. */
  readonly gain: number;
}

/** What differs between the two codecs. */
export interface OggCodec {
  readonly format: "vorbis" | "opus";
  isHead(packet: Uint8Array): boolean;
  parseHead(packet: Uint8Array): OggHead;
  /** Packets before the first of sound; the second holds comments. */
  readonly headers: number;
  readonly noComments: Uint8Array;
  /** Samples to decode before an excerpt, and drop, so that it equals the same stretch of the whole; whole pages before it count
   *  anyway. */
  readonly prerollSamples: number;
  newDecoder(): PageDecoder;
}

export interface DecodedPage {
  readonly channelData: Float32Array[];
  readonly samplesDecoded: number;
}

interface PageDecoder {
  readonly ready: Promise<void>;
  decode(bytes: Uint8Array): Promise<DecodedPage> | DecodedPage;
  free(): void;
}

function startsWith(packet: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (packet[i] !== text.charCodeAt(i)) return false;
  return true;
}

export const vorbis: OggCodec = {
  format: "vorbis",
  headers: 3,
  noComments: new TextEncoder().encode("\x03vorbis\0\0\0\0\0\0\0\0\x01"),
  prerollSamples: 0, // a block depends on the one before it alone
  isHead: (packet) => startsWith(packet, "\x01vorbis") && packet.length >= 30,
  parseHead: (packet) => ({
    channels: packet[11]!,
    sampleRateHz: new DataView(packet.buffer, packet.byteOffset).getUint32(12, true),
    preSkip: 0,
    gain: 1,
  }),
  newDecoder: () => new OggVorbisDecoder(),
};

export const opus: OggCodec = {
  format: "opus",
  headers: 2,
  noComments: new TextEncoder().encode("OpusTags\0\0\0\0\0\0\0\0"),
  // Its filters run on for ever, but fade: from 0.5 s on no bit differed in 40 places of 5 files (16 to 256 kbit/s, speech and music
  // modes, frames of 10 to 60 ms). 4 s leave a wide margin.
  prerollSamples: 4 * 48_000,
  isHead: (packet) => startsWith(packet, "OpusHead") && packet.length >= 19,
  parseHead: (packet) => ({
    channels: packet[9]!,
    sampleRateHz: 48_000, // libopus decodes at this rate, whatever the source had
    preSkip: new DataView(packet.buffer, packet.byteOffset).getUint16(10, true),
    gain: 10 ** (new DataView(packet.buffer, packet.byteOffset).getInt16(16, true) / 256 / 20),
  }),
  newDecoder: () => new OggOpusDecoder(),
};
