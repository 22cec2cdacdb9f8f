// WAV: RIFF, RF64 and BW64 files, read by seeking and written in 16, 24 or 32 bits.
import type { ByteSource } from "../base/byte-source.ts";
import type { AudioReader } from "./audio-reader.ts";
import { UnreadableAudioError } from "./faults.ts";
import { encodePcm, type PcmEncoding, pcmBytes, type WritablePcm } from "./pcm.ts";
import { type PcmLayout, pcmReader } from "./pcm-reader.ts";
import { sampleCount, type Waveform } from "./waveform.ts";

/** Opens a WAV file: 8 to 32-bit integers, 32 and 64-bit floats, A-law and mu-law, plain or WAVE_FORMAT_EXTENSIBLE.
 *  Sizes left open (0 or 0xFFFFFFFF, as streaming writers do) mean "to the end of the file".
 *  @throws UnreadableAudioError when the header is corrupt, or its codec is none of these. */
export async function openWav(source: ByteSource): Promise<AudioReader> {
  return pcmReader(source, await wavLayout(source));
}

interface Fmt {
  readonly code: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly containerBytes: number;
}

/** Reads the chunks up to the one with the samples. */
export async function wavLayout(source: ByteSource): Promise<PcmLayout> {
  const head = await view(source, 0, Math.min(12, source.size));
  const riffBytes = head.byteLength >= 8 ? head.getUint32(4, true) : 0;
  let wideDataBytes: number | undefined;
  let fmt: Fmt | undefined;
  for (let at = 12; at + 8 <= source.size; ) {
    const header = await view(source, at, 8);
    const id = tag(header, 0);
    const size = header.getUint32(4, true);
    const body = at + 8;
    if (!/^[\x20-\x7e]{4}$/.test(id)) throw corrupt(source, `no chunk begins at byte ${at}`);
    if (id === "data") {
      if (fmt === undefined) throw corrupt(source, "its samples come before its format");
      const dataBytes = dataSize(size, wideDataBytes, { riffBytes, body, fileBytes: source.size });
      return { format: "wav", littleEndian: true, dataOffset: body, dataBytes, encoding: encodingOf(fmt, source), ...shapeOf(fmt) };
    }
    if (id === "fmt ") fmt = parseFmt(await view(source, body, Math.min(size, source.size - body, 40)), source);
    if (id === "ds64" && size >= 16 && body + 16 <= source.size) {
      wideDataBytes = Number((await view(source, body, 16)).getBigUint64(8, true));
    }
    at = body + size + (size % 2); // chunks are padded to even length
  }
  throw corrupt(source, fmt ? "it holds no samples (no data chunk)" : "it holds no format (no fmt chunk)");
}

/** The bytes of samples a header promises, or undefined for "to the end". */
function dataSize(
  size: number,
  wide: number | undefined,
  file: { riffBytes: number; body: number; fileBytes: number },
): number | undefined {
  if (size === 0xffffffff) return wide === undefined || wide === 0xffffffff || wide === 0 ? undefined : wide;
  // A data chunk of 0 bytes is empty only if the RIFF size agrees with the file size.
  const consistent = file.riffBytes === file.body - 8 || file.riffBytes + 8 === file.fileBytes;
  return size === 0 && !consistent ? undefined : size;
}

function parseFmt(fmt: DataView, source: ByteSource): Fmt {
  if (fmt.byteLength < 16) throw corrupt(source, `its format chunk holds ${fmt.byteLength} bytes instead of 16 or more`);
  const channels = fmt.getUint16(2, true);
  const blockBytes = fmt.getUint16(12, true);
  const bits = fmt.getUint16(14, true);
  const extensible = fmt.getUint16(0, true) === 0xfffe && fmt.byteLength >= 26;
  const code = fmt.getUint16(extensible ? 24 : 0, true);
  // 20 bits in 3 bytes, 24 in 4: the block size gives the bytes per sample; the value is in the upper bits.
  const fromBlock = channels > 0 && blockBytes % channels === 0 ? blockBytes / channels : 0;
  const containerBytes = fromBlock * 8 >= bits && fromBlock > 0 ? fromBlock : Math.ceil(bits / 8);
  return { code, channels, sampleRateHz: fmt.getUint32(4, true), containerBytes };
}

function shapeOf({ channels, sampleRateHz }: Fmt): { channels: number; sampleRateHz: number } {
  return { channels, sampleRateHz };
}

const encodings: Record<number, Record<number, PcmEncoding>> = {
  1: { 1: "u8", 2: "s16", 3: "s24", 4: "s32" },
  3: { 4: "f32", 8: "f64" },
  6: { 1: "alaw" },
  7: { 1: "mulaw" },
};

function encodingOf({ code, containerBytes }: Fmt, source: ByteSource): PcmEncoding {
  const encoding = encodings[code]?.[containerBytes];
  if (encoding !== undefined) return encoding;
  const what = `${source.name} is WAV with codec 0x${code.toString(16).padStart(4, "0")} in ${containerBytes} bytes a sample`;
  throw new UnreadableAudioError("unsupported", `${what}. Convert it to PCM.`);
}

function corrupt(source: ByteSource, why: string): UnreadableAudioError {
  return new UnreadableAudioError("corrupt", `${source.name} is a corrupt WAV file: ${why}. Fetch or export it again.`);
}

async function view(source: ByteSource, offset: number, length: number): Promise<DataView> {
  const bytes = await source.read(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tag(from: DataView, at: number): string {
  return String.fromCharCode(from.getUint8(at), from.getUint8(at + 1), from.getUint8(at + 2), from.getUint8(at + 3));
}

/** The bytes of a WAV file. 16 and 24 bits clip at ±1; "f32" keeps every value. */
export function encodeWav(waveform: Waveform, { encoding = "s16" }: { encoding?: WritablePcm } = {}): Uint8Array<ArrayBuffer> {
  const samples = encodePcm(waveform.channels, encoding);
  const channels = waveform.channels.length;
  const frameBytes = channels * pcmBytes[encoding];
  const padding = samples.length % 2;
  const file = new Uint8Array(44 + samples.length + padding);
  const header = new DataView(file.buffer);
  const put = (at: number, text: string) => file.set(new TextEncoder().encode(text), at);
  if (sampleCount(waveform) * frameBytes > 0xffffffff - 36) throw new RangeError("A WAV file holds at most 4 GiB.");
  put(0, "RIFF");
  header.setUint32(4, 36 + samples.length + padding, true);
  put(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, encoding === "f32" ? 3 : 1, true);
  header.setUint16(22, channels, true);
  header.setUint32(24, waveform.sampleRateHz, true);
  header.setUint32(28, waveform.sampleRateHz * frameBytes, true);
  header.setUint16(32, frameBytes, true);
  header.setUint16(34, pcmBytes[encoding] * 8, true);
  put(36, "data");
  header.setUint32(40, samples.length, true);
  file.set(samples, 44);
  return file;
}
