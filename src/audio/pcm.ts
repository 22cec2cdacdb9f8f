// PCM: conversion between the samples of WAV and AIFF files and float32.

/** How one sample is stored. Integers are signed, except the 8 bits of WAV. */
export type PcmEncoding = "u8" | "s8" | "s16" | "s24" | "s32" | "f32" | "f64" | "alaw" | "mulaw";

export const pcmBytes: Record<PcmEncoding, number> = { u8: 1, s8: 1, s16: 2, s24: 3, s32: 4, f32: 4, f64: 8, alaw: 1, mulaw: 1 };

/** Interleaved bytes to one array a channel. An n-bit integer is divided by 2^(n-1), floats are kept as they are, so values
 *  beyond ±1 survive. A partial frame at the end is dropped. */
export function decodePcm(bytes: Uint8Array, options: { encoding: PcmEncoding; channels: number; littleEndian: boolean }): Float32Array[] {
  const { encoding, channels, littleEndian } = options;
  const width = pcmBytes[encoding];
  const frames = Math.floor(bytes.length / (width * channels));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readers[encoding];
  return Array.from({ length: channels }, (_, channel) => {
    const out = new Float32Array(frames);
    let at = channel * width;
    for (let i = 0; i < frames; i++, at += channels * width) out[i] = read(view, at, littleEndian);
    return out;
  });
}

type Reader = (view: DataView, at: number, littleEndian: boolean) => number;

const readers: Record<PcmEncoding, Reader> = {
  u8: (v, at) => (v.getUint8(at) - 128) / 128,
  s8: (v, at) => v.getInt8(at) / 128,
  s16: (v, at, le) => v.getInt16(at, le) / 2 ** 15,
  s24: (v, at, le) => (le ? (v.getInt8(at + 2) << 16) | v.getUint16(at, true) : (v.getInt8(at) << 16) | v.getUint16(at + 1)) / 2 ** 23,
  s32: (v, at, le) => v.getInt32(at, le) / 2 ** 31,
  f32: (v, at, le) => v.getFloat32(at, le),
  f64: (v, at, le) => v.getFloat64(at, le),
  alaw: (v, at) => aLaw(v.getUint8(at)),
  mulaw: (v, at) => muLaw(v.getUint8(at)),
};

/** ITU-T G.711 A-law: 8 bits to -1…1. */
function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 7;
  const mantissa = ((code & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return (code & 0x80 ? magnitude : -magnitude) / 2 ** 15;
}

/** ITU-T G.711 mu-law: 8 bits to -1…1. */
function muLaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return (code & 0x80 ? -magnitude : magnitude) / 2 ** 15;
}

/** The encodings that can be written. */
export type WritablePcm = "s16" | "s24" | "f32";

/** One array a channel to interleaved little-endian bytes. Integers are rounded and clipped to their range; f32 keeps every value. */
export function encodePcm(channels: readonly Float32Array[], encoding: WritablePcm): Uint8Array<ArrayBuffer> {
  const frames = channels[0]?.length ?? 0;
  const width = pcmBytes[encoding];
  const bytes = new Uint8Array(frames * channels.length * width);
  const view = new DataView(bytes.buffer);
  const write = writers[encoding];
  channels.forEach((samples, channel) => {
    let at = channel * width;
    for (let i = 0; i < frames; i++, at += channels.length * width) write(view, at, samples[i]!);
  });
  return bytes;
}

const writers: Record<WritablePcm, (view: DataView, at: number, value: number) => void> = {
  s16: (v, at, value) => v.setInt16(at, toInteger(value, 16), true),
  s24: (v, at, value) => {
    const integer = toInteger(value, 24);
    v.setUint16(at, integer & 0xffff, true);
    v.setInt8(at + 2, integer >> 16);
  },
  f32: (v, at, value) => v.setFloat32(at, value, true),
};

function toInteger(value: number, bits: number): number {
  const limit = 2 ** (bits - 1);
  return Math.max(-limit, Math.min(limit - 1, Math.round(value * limit)));
}
