// Sniffing: recognises the format of a file by its first bytes, whatever its extension.
import type { ByteSource } from "../base/byte-source.ts";
import type { AudioFormat } from "./audio-reader.ts";
import { UnreadableAudioError } from "./faults.ts";
import { parseMp3Header } from "./mp3-frames.ts";

/** Bytes at a fixed offset that identify a format. "?" matches any byte. */
const signatures: readonly (readonly [AudioFormat | "not-audio", number, string, string?])[] = [
  ["wav", 0, "RIFF????WAVE"],
  ["wav", 0, "RF64????WAVE"],
  ["wav", 0, "BW64????WAVE"],
  ["aiff", 0, "FORM????AIFF"],
  ["aiff", 0, "FORM????AIFC"],
  ["flac", 0, "fLaC"],
  ["mp4", 4, "ftyp"],
  ["wma", 0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"],
  ["ape", 0, "MAC "],
  ["wavpack", 0, "wvpk"],
  ["matroska", 0, "\x1a\x45\xdf\xa3"],
  ["caf", 0, "caff"],
  ["au", 0, ".snd"],
  ["amr", 0, "#!AMR"],
  ["dsd", 0, "DSD "],
  ["w64", 0, "riff\x2e\x91\xcf\x11"],
  ["not-audio", 0, "\x89PNG", "a PNG picture"],
  ["not-audio", 0, "\xff\xd8\xff", "a JPEG picture"],
  ["not-audio", 0, "GIF8", "a GIF picture"],
  ["not-audio", 0, "RIFF????WEBP", "a WebP picture"],
  ["not-audio", 0, "%PDF", "a PDF document"],
  ["not-audio", 0, "PK\x03\x04", "a ZIP archive"],
  ["not-audio", 0, "\x1f\x8b", "a gzip archive"],
  ["not-audio", 0, "MThd", "a MIDI file, which holds notes but no audio"],
];

/** MP4 brands of bought songs under FairPlay and of Audible's books. */
const protectedBrands = ["M4P ", "aax ", "aaxc"];

/** The format of a file, by content. "unknown" where neither an audio format nor anything else is recognised: an mp3
 *  may begin with other data, so the mp3 reader decides about those.
 *  @throws UnreadableAudioError when the file is empty, is recognised as something other than audio, or is copy-protected. */
export async function sniff(source: ByteSource): Promise<AudioFormat> {
  if (source.size === 0) throw new UnreadableAudioError("empty", `${source.name} is empty (0 bytes). Fetch or export it again.`);
  const tagged = await afterId3(source);
  const head = await source.read(tagged, Math.min(512, source.size - tagged));
  const format = signatures.find(([, at, text]) => matches(head, at, text));
  if (format?.[0] === "not-audio") {
    throw new UnreadableAudioError("not-audio", `${source.name} is ${format[3]}, not audio. Give an audio file.`);
  }
  if (format?.[0] === "mp4" && protectedBrands.some((brand) => matches(head, 8, brand))) {
    throw new UnreadableAudioError("protected", `${source.name} is copy-protected (DRM) and can't be decoded. Get an unprotected copy.`);
  }
  if (format !== undefined) return format[0] as AudioFormat;
  if (matches(head, 0, "OggS")) return oggCodec(head);
  if (parseMp3Header(head, 0) !== undefined) return "mp3";
  if (head[0] === 0xff && (head[1]! & 0xf6) === 0xf0) return "aac"; // ADTS: an MPEG header of layer 0
  if (tagged > 0) return "mp3";
  if (isText(head)) throw new UnreadableAudioError("not-audio", `${source.name} is text, not audio. Give an audio file.`);
  return "unknown";
}

/** Byte offset of the content after ID3v2 tags, which may hold megabytes of pictures. */
export async function afterId3(source: ByteSource): Promise<number> {
  let at = 0;
  while (at + 10 <= source.size) {
    const h = await source.read(at, 10);
    const isTag = matches(h, 0, "ID3") && h[3]! < 0xff && ((h[6]! | h[7]! | h[8]! | h[9]!) & 0x80) === 0;
    if (!isTag) break;
    const size = (h[6]! << 21) | (h[7]! << 14) | (h[8]! << 7) | h[9]!;
    at += 10 + size + (h[5]! & 0x10 ? 10 : 0); // bit 4: a footer repeats the header
  }
  return Math.min(at, source.size);
}

/** The codec named in the first packet of an Ogg stream. */
function oggCodec(page: Uint8Array): AudioFormat {
  const body = 27 + page[26]!;
  if (matches(page, body, "\x01vorbis")) return "vorbis";
  if (matches(page, body, "OpusHead")) return "opus";
  return "ogg";
}

function matches(bytes: Uint8Array, at: number, text: string): boolean {
  if (at + text.length > bytes.length) return false;
  for (let i = 0; i < text.length; i++) if (text[i] !== "?" && bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** True for bytes that are all printable, in ASCII or UTF-8. */
function isText(bytes: Uint8Array): boolean {
  if (bytes.some((b) => b < 32 && b !== 9 && b !== 10 && b !== 13)) return false;
  const text = new TextDecoder("utf-8").decode(bytes.subarray(0, Math.max(1, bytes.length - 4)));
  return !text.includes("�");
}
