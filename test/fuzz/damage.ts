// Damage: small changes to a good file, as a broken disk, a broken download or a hostile hand makes them. A seed decides all of them.
import { oggCrc } from "../../src/audio/crc.ts";
import type { Rng } from "../../src/base/random.ts";

/** One to four damages: a flipped bit, an extreme byte or number, a number in text replaced, a run cut out, doubled or copied elsewhere, or
 *  the end lost. Half of them lie near the ends, where headers and directories are. */
export function damaged(bytes: Uint8Array, rng: Rng): Uint8Array {
  const below = (n: number) => Math.floor(rng() * n);
  let file: Uint8Array = bytes.slice();
  for (let count = 1 + below(4); count > 0 && file.length > 1; count--) {
    const near = Math.min(file.length, 512);
    const at = [below(near), file.length - 1 - below(near), below(file.length), below(file.length)][below(4)]!;
    const run = file.subarray(at, at + 1 + below(16));
    const kind = below(12);
    if (kind === 0) file = file.slice(0, at);
    else if (kind === 1) file = spliced(file, at, at + run.length, new Uint8Array());
    else if (kind === 2) file = spliced(file, at, at, run);
    else if (kind === 3) file.set(run.slice(0, file.length - at), Math.min(below(file.length), file.length - run.length));
    else if (kind === 4) file = numberReplaced(file, at, below);
    else if (kind < 7) file[at]! ^= 1 << below(8);
    else if (kind < 10) file[at] = [0, 255, 0x7f, below(256)][below(4)]!;
    else extremeNumber(file, at, below);
  }
  return file;
}

function spliced(file: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array {
  const out = new Uint8Array(from + middle.length + file.length - to);
  out.set(file.subarray(0, from));
  out.set(middle, from);
  out.set(file.subarray(to), from + middle.length);
  return out;
}

/** Writes a number of 2, 4 or 8 bytes that programs trip over, in either byte order. */
function extremeNumber(file: Uint8Array, at: number, below: (n: number) => number): void {
  const bytes = [2, 4, 8][below(3)]!;
  if (at + bytes > file.length) return;
  const little = below(2) === 0;
  const top = 1n << BigInt(8 * bytes - 1);
  const value = [0n, 1n, top - 1n, top, 2n * top - 1n, BigInt(file.length), BigInt(below(2 ** 31))][below(7)]! % (2n * top);
  for (let i = 0; i < bytes; i++) file[little ? at + i : at + bytes - 1 - i] = Number((value >> BigInt(8 * i)) & 255n);
}

/** Replaces the next run of digits, as headers of JSON and npy have them. */
function numberReplaced(file: Uint8Array, at: number, below: (n: number) => number): Uint8Array {
  const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;
  let from = at;
  while (from < file.length && !isDigit(file[from])) from++;
  let to = from;
  while (isDigit(file[to])) to++;
  const number = ["0", "1", "-1", "4294967296", "9007199254740993", "1e30", "123456789012345678901234", String(below(10 ** 6))][below(8)]!;
  return from === file.length ? file : spliced(file, from, to, new TextEncoder().encode(number));
}

/** Sets the checksums of all Ogg pages right, so that what lies inside reaches the decoder. */
export function oggRepaired(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  for (let p = 0; p + 27 <= out.length; ) {
    const isPage = out[p] === 0x4f && out[p + 1] === 0x67 && out[p + 2] === 0x67 && out[p + 3] === 0x53;
    const segments = out[p + 26]!;
    const length = 27 + segments + out.subarray(p + 27, p + 27 + segments).reduce((sum, value) => sum + value, 0);
    if (!isPage || p + length > out.length) {
      p++;
      continue;
    }
    new DataView(out.buffer, p).setUint32(22, oggCrc(out.subarray(p, p + length)), true);
    p += length;
  }
  return out;
}
