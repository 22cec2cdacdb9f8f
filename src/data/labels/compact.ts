// Labels in compact form: one binary file for each split, a quarter to a half of the text's size, read by ranges, so it may exceed memory.
//
//   8 bytes  "OSTCODES"
//   uint32   1, the version; uint32, the bytes of the JSON that follows, padded with blanks to a multiple of 8
//   JSON     { clips, frames, stamp }
//   uint64   [clips + 1]: frames before each clip, and in all
//   uint16   [frames, codebooks]: the codes, clip after clip; all numbers little-endian
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError, FormatError, NotFoundError } from "../../base/errors.ts";
import { writeAtomic } from "../../base/files.node.ts";
import { bookLabels, codeDigest, type LabelFacts } from "./facts.ts";
import type { OpenLabels } from "./label-set.ts";
import { checkCrop, type LabelSet, type LabelStamp, stampSchema } from "./label-set.ts";

const magic = "OSTCODES";
const headerSchema = z.object({ clips: z.number().int().nonnegative(), frames: z.number().int().nonnegative(), stamp: stampSchema });

/** File name of a set in compact form: train.codec.codes. */
export const compactFile = (name: string, label: string): string => `${name}.${label}.codes`;

/** Writes a set in compact form. @throws ConfigError for codes beyond 65535. */
export async function writeCompactLabels(folder: string, name: string, label: string, set: LabelSet): Promise<void> {
  const { codebookSize } = set.stamp;
  if (codebookSize > 65_536)
    throw new ConfigError(`The compact form holds codes up to 65535; this codebook has ${codebookSize}. Keep it as text.`);
  await writeAtomic(join(folder, compactFile(name, label)), chunks(set));
}

function* chunks(set: LabelSet): Generator<Uint8Array> {
  const before = new BigUint64Array(set.clips + 1);
  for (let clip = 0; clip < set.clips; clip++) before[clip + 1] = before[clip]! + BigInt(set.frames(clip));
  const header = JSON.stringify({ clips: set.clips, frames: Number(before[set.clips]), stamp: set.stamp });
  const json = new TextEncoder().encode(header.padEnd(Math.ceil(new TextEncoder().encode(header).length / 8) * 8));
  const start = new Uint8Array(16);
  start.set(new TextEncoder().encode(magic));
  new DataView(start.buffer).setUint32(8, 1, true);
  new DataView(start.buffer).setUint32(12, json.length, true);
  yield start;
  yield json;
  yield new Uint8Array(before.buffer);
  const { codebooks } = set.stamp;
  for (let clip = 0; clip < set.clips; clip++) {
    const frames = set.frames(clip);
    yield bytesOf(interleave(set.read(clip, 0, frames), codebooks, frames));
  }
}

/** [codebooks, frames] → [frames, codebooks]: so a crop is one range of bytes. */
export function interleave(codes: Int32Array, codebooks: number, frames: number): Uint16Array {
  const out = new Uint16Array(codes.length);
  for (let book = 0; book < codebooks; book++) for (let t = 0; t < frames; t++) out[t * codebooks + book] = codes[book * frames + t]!;
  return out;
}

/** [frames, codebooks] → [codebooks, frames]. */
export function deinterleave(codes: Uint16Array, codebooks: number): Int32Array {
  const frames = codes.length / codebooks;
  const out = new Int32Array(codes.length);
  for (let t = 0; t < frames; t++) for (let book = 0; book < codebooks; book++) out[book * frames + t] = codes[t * codebooks + book]!;
  return out;
}

export function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Opens labels in compact form: the index is held in memory, codes are read on demand.
 *  @throws NotFoundError where there is no such file, FormatError where it is truncated or of another format. */
export function openCompactLabels(folder: string, name: string, label: string): OpenLabels {
  const path = join(folder, compactFile(name, label));
  const file = openFile(path);
  try {
    const { stamp, clips, before, data } = readHeader(path, file);
    const { codebooks } = stamp;
    return {
      label,
      stamp,
      clips,
      frames(clip) {
        if (!(clip >= 0 && clip < clips)) throw new RangeError(`There is no clip ${clip}: there are ${clips}.`);
        return before[clip + 1]! - before[clip]!;
      },
      read(clip, start, count) {
        checkCrop(this.frames(clip), start, count);
        const codes = new Uint16Array(count * codebooks);
        readFully(path, file, bytesOf(codes), data + 2 * codebooks * (before[clip]! + start));
        return deinterleave(codes, codebooks);
      },
      close: () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Scans a set in compact form. */
export function inspectCompact(folder: string, name: string, label: string): LabelFacts {
  const set = openCompactLabels(folder, name, label);
  try {
    const { codebooks, codebookSize } = set.stamp;
    const frames = Uint32Array.from({ length: set.clips }, (_, clip) => set.frames(clip));
    const books = bookLabels(label, codebooks).map((own) => ({
      label: own,
      counts: new Float64Array(codebookSize),
      unknown: 0,
      example: "",
      scanned: codeDigest(),
    }));
    for (let clip = 0; clip < set.clips; clip++) {
      const codes = set.read(clip, 0, frames[clip]!);
      codes.forEach((code, i) => {
        const book = books[Math.floor(i / frames[clip]!)]!;
        book.scanned.add(code);
        if (code < codebookSize) book.counts[code]!++;
        else if (book.unknown++ === 0) book.example = `${code} in clip ${clip + 1}`;
      });
    }
    const shared = { dictionary: codebookSize, lines: set.clips, frames };
    const facts = books.map(({ scanned, ...book }) => ({ ...book, ...shared, digest: scanned.value() }));
    return { label, form: "compact", stamp: set.stamp, books: facts, missing: [] };
  } finally {
    set.close();
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new NotFoundError(`There is no ${path}. Make it: ostinato prepare labels, or ostinato prepare store.`);
  }
}

function readHeader(path: string, file: number): { stamp: LabelStamp; clips: number; before: Float64Array; data: number } {
  const fail = (why: string) => new FormatError(`${path} is no set of labels: ${why}. Make it again: ostinato prepare labels.`);
  const { size } = fstatSync(file);
  const start = new Uint8Array(16);
  if (size < 16) throw fail(`it has ${size} bytes`);
  readFully(path, file, start, 0);
  if (new TextDecoder().decode(start.subarray(0, 8)) !== magic) throw fail(`it doesn't begin with ${magic}`);
  const view = new DataView(start.buffer);
  if (view.getUint32(8, true) !== 1) throw fail(`its version is ${view.getUint32(8, true)}, this library reads version 1`);
  const jsonBytes = view.getUint32(12, true);
  if (16 + jsonBytes > size) throw fail("it is truncated");
  const json = new Uint8Array(jsonBytes);
  readFully(path, file, json, 16);
  const header = headerSchema.safeParse(parse(new TextDecoder().decode(json)));
  if (!header.success) throw fail("its header is invalid");
  const { clips, frames, stamp } = header.data;
  const data = 16 + jsonBytes + 8 * (clips + 1);
  const wanted = data + 2 * frames * stamp.codebooks;
  if (size !== wanted) throw fail(`it has ${size} bytes, its header implies ${wanted}`);
  const index = new Uint8Array(8 * (clips + 1));
  readFully(path, file, index, 16 + jsonBytes);
  const before = Float64Array.from(new BigUint64Array(index.buffer), Number);
  if (before[0] !== 0 || before[clips] !== frames || before.some((value, i) => i > 0 && value < before[i - 1]!))
    throw fail("its index is invalid");
  return { stamp, clips, before, data };
}

function readFully(path: string, file: number, into: Uint8Array, from: number): void {
  for (let done = 0; done < into.length; ) {
    const count = readSync(file, into, done, into.length - done, from + done);
    if (count === 0) throw new FormatError(`${path} ends before byte ${from + into.length}. Make it again: ostinato prepare labels.`);
    done += count;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
