// AIFF and AIFF-C: uncompressed audio, big-endian unless the codec says otherwise.
import type { ByteSource } from "../base/byte-source.ts";
import type { AudioReader } from "./audio-reader.ts";
import { UnreadableAudioError } from "./faults.ts";
import type { PcmEncoding } from "./pcm.ts";
import { pcmReader } from "./pcm-reader.ts";

interface Comm {
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly samples: number;
  readonly encoding: PcmEncoding;
  readonly littleEndian: boolean;
  readonly frameBytes: number;
}

/** Opens an AIFF or AIFF-C file: integers of 8 to 32 bits in either byte order ("NONE", "twos", "sowt"), floats ("fl32",
 *  "fl64"), A-law and mu-law.
 *  @throws UnreadableAudioError when its header is corrupt, or its codec is none of these. */
export async function openAiff(source: ByteSource): Promise<AudioReader> {
  let comm: Comm | undefined;
  let data: { offset: number; bytes: number } | undefined;
  for (let at = 12; at + 8 <= source.size && !(comm && data); ) {
    const header = await view(source, at, 8);
    const id = tag(header, 0);
    const size = header.getUint32(4);
    const body = at + 8;
    if (!/^[\x20-\x7e]{4}$/.test(id)) throw corrupt(source, `no chunk begins at byte ${at}`);
    if (id === "COMM") comm = parseComm(await view(source, body, Math.min(size, source.size - body, 22)), source);
    if (id === "SSND" && body + 8 <= source.size) {
      const skip = (await view(source, body, 4)).getUint32(0); // offset from the end of the two fields to the first sample
      data = { offset: body + 8 + skip, bytes: Math.max(0, size - 8 - skip) };
    }
    at = body + size + (size % 2);
  }
  if (comm === undefined) throw corrupt(source, "it holds no COMM chunk");
  if (data === undefined && comm.samples > 0) throw corrupt(source, "it holds no samples (no SSND chunk)");
  const promised = comm.samples * comm.frameBytes;
  return pcmReader(source, {
    format: "aiff",
    ...comm,
    dataOffset: data?.offset ?? source.size,
    dataBytes: promised > 0 ? promised : data?.bytes,
  });
}

function parseComm(comm: DataView, source: ByteSource): Comm {
  if (comm.byteLength < 18) throw corrupt(source, `its COMM chunk holds ${comm.byteLength} bytes instead of 18 or more`);
  const channels = comm.getUint16(0);
  const bytes = Math.ceil(comm.getUint16(6) / 8);
  const codec = comm.byteLength >= 22 ? tag(comm, 18) : "NONE";
  const sampleRateHz = Math.round(extended(comm, 8));
  const shape = { channels, sampleRateHz, samples: comm.getUint32(2) };
  const integer = ([undefined, "s8", "s16", "s24", "s32"] as const)[bytes];
  const [encoding, width] = codecs[codec.toLowerCase()] ?? (["none", "twos", "sowt"].includes(codec.toLowerCase()) ? [integer, bytes] : []);
  if (encoding === undefined || width === undefined) {
    const what = `${source.name} is AIFF-C with codec "${codec}" in ${bytes} bytes a sample`;
    throw new UnreadableAudioError("unsupported", `${what}. Convert it to PCM.`);
  }
  return { ...shape, encoding, littleEndian: codec === "sowt", frameBytes: channels * width };
}

const codecs: Record<string, readonly [PcmEncoding, number]> = {
  fl32: ["f32", 4],
  fl64: ["f64", 8],
  alaw: ["alaw", 1],
  ulaw: ["mulaw", 1],
};

/** An 80-bit extended float, which is how AIFF stores its rate. */
function extended(from: DataView, at: number): number {
  const exponent = (from.getUint16(at) & 0x7fff) - 16383;
  return Number(from.getBigUint64(at + 2)) * 2 ** (exponent - 63);
}

function corrupt(source: ByteSource, why: string): UnreadableAudioError {
  return new UnreadableAudioError("corrupt", `${source.name} is a corrupt AIFF file: ${why}. Fetch or export it again.`);
}

async function view(source: ByteSource, offset: number, length: number): Promise<DataView> {
  const bytes = await source.read(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tag(from: DataView, at: number): string {
  return String.fromCharCode(from.getUint8(at), from.getUint8(at + 1), from.getUint8(at + 2), from.getUint8(at + 3));
}
