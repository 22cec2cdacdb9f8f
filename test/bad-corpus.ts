// A corpus as people have them: sound in several formats among files that are broken in every way that is known here.
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { synthesise } from "../src/audio/synth.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { fixturePath } from "./audio/fixtures.ts";

/** A wav file of music that no other seed gives. */
export function songBytes(seed: number, seconds: number, sampleRateHz = 24_000): Uint8Array {
  return encodeWav(synthesise({ seconds, seed, sampleRateHz }));
}

/** Good files: what they are called. */
export const goodFiles = ["good/one.wav", "good/two.wav", "good/song.mp3", "good/song.flac", "good/song.ogg", "truncated.wav"];

/** Bad files: the reason each is left out for, once it is decoded. */
export const badFiles: Readonly<Record<string, string>> = {
  "zz-again.wav": "duplicate",
  "clipped.flac": "corrupt",
  "codec.wav": "unsupported",
  "empty.mp3": "empty",
  "folder.wav": "not a file",
  "link.wav": "missing",
  "noise.flac": "corrupt",
  "picture.ogg": "not-audio",
  "short.wav": "too short",
  "silent.wav": "silent",
  "text.mp3": "not-audio",
  "zero.wav": "empty",
  ...(process.getuid?.() !== 0 && { "locked.wav": "no permission" }), // root may read everything
};

/** Writes the corpus. */
export async function writeBadCorpus(folder: string): Promise<string> {
  const at = (name: string) => join(folder, name);
  await mkdir(at("good"), { recursive: true });
  await writeFile(at("good/one.wav"), songBytes(1, 3));
  await writeFile(at("good/two.wav"), songBytes(2, 2.5, 44_100));
  for (const extension of ["mp3", "flac", "ogg"]) await copyFile(fixturePath(`music.${extension}`), at(`good/song.${extension}`));
  const whole = songBytes(3, 4);
  await writeFile(at("truncated.wav"), whole.subarray(0, whole.length / 2));

  await copyFile(at("good/one.wav"), at("zz-again.wav"));
  const flac = new Uint8Array(await readFile(fixturePath("music.flac")));
  await writeFile(at("clipped.flac"), flac.subarray(0, 30));
  await writeFile(at("noise.flac"), withNoise(flac, 100));
  const codec = songBytes(4, 2);
  new DataView(codec.buffer).setUint16(20, 0x1234, true);
  await writeFile(at("codec.wav"), codec);
  await writeFile(at("empty.mp3"), "");
  await mkdir(at("folder.wav"));
  await symlink(at("gone.wav"), at("link.wav"));
  await writeFile(at("picture.ogg"), Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1"));
  await writeFile(at("short.wav"), songBytes(5, 0.2));
  await writeFile(at("silent.wav"), encodeWav({ sampleRateHz: 24_000, channels: [new Float32Array(72_000)] }));
  await writeFile(at("text.mp3"), "la la la, but in words\n");
  await writeFile(at("zero.wav"), encodeWav({ sampleRateHz: 24_000, channels: [new Float32Array(0)] }));
  if (badFiles["locked.wav"]) {
    await writeFile(at("locked.wav"), songBytes(6, 2));
    await chmod(at("locked.wav"), 0);
  }
  return folder;
}

/** Every byte from one on is another. */
function withNoise(bytes: Uint8Array, from: number): Uint8Array {
  return bytes.map((byte, i) => (i < from ? byte : (byte ^ (0x55 + 7 * i)) & 0xff));
}
