// Labels as fairseq's text: a file for each codebook, a line for each clip, codes separated by blanks. Files are scanned once; lines are then read
// on demand.

import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, NotFoundError } from "../../base/errors.ts";
import { type AtomicFile, beginAtomic, writeAtomic } from "../../base/files.node.ts";
import { shown } from "../../base/shown.ts";
import { type BookFacts, bookLabels, type LabelFacts } from "./facts.ts";
import type { OpenLabels } from "./label-set.ts";
import { checkCrop, framesOf, type LabelSet, type LabelStamp, stampSchema } from "./label-set.ts";
import { type Lines, openLines, parseCodes } from "./lines.ts";

/** The fields of a stamp that the caller gives for a set without a stamp. */
export type GivenStamp = Partial<LabelStamp>;

/** File name of a set's stamp: train.codec.json. */
export const stampFile = (name: string, label: string): string => `${name}.${label}.json`;

/** A scanned codebook. */
interface Book extends BookFacts {
  readonly text: Lines;
  /** Code → its line in the dictionary, which is the label that training predicts. */
  readonly index: ReadonlyMap<number, number> | undefined;
}

/** Scans the text files of a manifest's labels. The caller closes the result. @throws NotFoundError where there is none. */
export async function inspectText(
  folder: string,
  name: string,
  label: string,
): Promise<LabelFacts & { readonly books: Book[]; close(): void }> {
  const stamp = readStamp(join(folder, stampFile(name, label)));
  const bookFiles = await findBooks(folder, name, label);
  const wanted = stamp?.codebooks ?? Math.max(...bookFiles.keys(), ...(await numberedDictionaries(folder, label))) + 1;
  const single = bookFiles.has(-1);
  const names = single ? [label] : Array.from({ length: wanted }, (_, book) => `${label}_${book}`);
  const books: Book[] = [];
  for (const [i, own] of names.entries()) {
    const files = bookFiles.get(single ? -1 : i);
    if (!files) continue;
    const index = readDictionary(join(folder, `dict.${own}.txt`));
    const text = openLines(
      files.map((file) => join(folder, file)),
      index ?? stamp?.codebookSize,
    );
    const { lines, frames, counts, unknown, example, digest } = text;
    books.push({ label: own, dictionary: index?.size, lines, frames, counts, unknown, example, digest, text, index });
  }
  const missing = names.filter((_, i) => !bookFiles.has(single ? -1 : i));
  const close = () => {
    for (const { text } of books) text.close();
  };
  return { label, form: "text", stamp, books, missing, close };
}

/** Opens labels in text form. Values are lines of the dictionary, as in fairseq (without its four special symbols).
 *  @param given the stamp's fields where no stamp file exists: at least the rates.
 *  @throws FormatError where files are missing, disagree, or hold codes that no dictionary lists. */
export async function openTextLabels(folder: string, name: string, label: string, given: GivenStamp = {}): Promise<OpenLabels> {
  const { stamp: bookFiles, books, missing, close } = await inspectText(folder, name, label);
  const place = join(folder, `${name}.${label}`);
  try {
    const [first] = books;
    if (missing.length > 0) throw new FormatError(`${place}: ${missing.join(", ")} is missing. Copy it there, or label again.`);
    for (const { label: own, dictionary, unknown, example, lines } of books) {
      if (dictionary === undefined && !bookFiles) {
        throw new FormatError(
          `${folder} has no dict.${own}.txt. fairseq needs one too: write a line "code count" for each code, in numeric order.`,
        );
      }
      if (dictionary === 0)
        throw new FormatError(`dict.${own}.txt in ${folder} is empty: every label would count as unknown. Write it again.`);
      if (unknown > 0)
        throw new FormatError(`${name}.${own} holds ${unknown} codes that dict.${own}.txt doesn't list, such as ${example}.`);
      if (lines !== first!.lines) throw new FormatError(`${name}.${own} has ${lines} lines, ${name}.${first!.label} has ${first!.lines}.`);
    }
    for (const { label: own, frames } of books.slice(1)) {
      for (let clip = 0; clip < first!.lines; clip++) {
        if (frames[clip] === first!.frames[clip]) continue;
        throw new FormatError(
          `${name}.${own}, line ${clip + 1}: ${frames[clip]} codes, but ${first!.frames[clip]} in ${name}.${first!.label}.`,
        );
      }
    }
    const size = Math.max(...books.map(({ dictionary = 0 }) => dictionary));
    const stamp = bookFiles ?? stampOf({ codebooks: books.length, codebookSize: size, ...given }, place);
    return textSet({ label, stamp, books, close });
  } catch (error) {
    close();
    throw error;
  }
}

function textSet({ label, stamp, books, close }: { label: string; stamp: LabelStamp; books: readonly Book[]; close(): void }): OpenLabels {
  const [first] = books;
  return {
    label,
    stamp,
    clips: first!.lines,
    frames: (clip) => framesOf(first!.frames, clip),
    read(clip, start, count) {
      checkCrop(framesOf(first!.frames, clip), start, count);
      const out = new Int32Array(books.length * count);
      books.forEach(({ text, index }, book) => {
        parseCodes(text.line(clip), start, count, index, out, book * count);
      });
      return out;
    },
    close,
  };
}

/** A stamp for a set without one. @throws FormatError where a rate is missing. */
function stampOf(given: GivenStamp, place: string): LabelStamp {
  const whole = { teacher: "unknown", teacherHash: "", manifestHash: "", ...given };
  const parsed = stampSchema.safeParse(whole);
  if (parsed.success) return parsed.data;
  throw new FormatError(`${place} has no stamp (${place}.json), so its rates must be given: rateHz (--label-rate) and sampleRateHz.`);
}

export function readStamp(path: string): LabelStamp | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return stampSchema.parse(JSON.parse(text));
  } catch {
    throw new FormatError(`${path} is not a stamp of labels: it should hold ${Object.keys(stampSchema.shape).join(", ")}. Label again.`);
  }
}

/** Code → line number (from 0) of a dictionary; undefined where there is no such file. @throws FormatError for a line without a code. */
function readDictionary(path: string): Map<number, number> | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const index = new Map<number, number>();
  for (const [i, line] of lines.entries()) {
    const [code = ""] = line.trim().split(/\s+/);
    if (!/^\d+$/.test(code)) throw new FormatError(`${path}, line ${i + 1}: ${shown(line)} is not a code with a count.`);
    index.set(Number(code), i);
  }
  return index;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Files of each codebook, by its number; -1 for a label without numbers. A codebook split into files (`.00`, `.01` …) has them in order. */
async function findBooks(folder: string, name: string, label: string): Promise<Map<number, string[]>> {
  const books = new Map<number, string[]>();
  const start = `${name}.${label}`;
  for (const file of (await readdir(folder)).sort((a, b) => a.localeCompare(b, "en", { numeric: true }))) {
    const match = file.startsWith(start) && /^(?:_(\d+))?(?:\.\d+)?$/.exec(file.slice(start.length));
    if (!match) continue;
    const book = Number(match[1] ?? -1);
    books.set(book, [...(books.get(book) ?? []), file]);
  }
  if (books.size === 0) throw new NotFoundError(`${folder} holds no labels ${start}. Make them: ostinato prepare labels.`);
  return books;
}

/** Numbers of the codebooks for which there is a dictionary: dict.codec_7.txt shows that codec_7 belongs to the set. */
async function numberedDictionaries(folder: string, label: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((file) => {
    const number = file.startsWith(`dict.${label}_`) && /^(\d+)\.txt$/.exec(file.slice(`dict.${label}_`.length))?.[1];
    return number ? [Number(number)] : [];
  });
}

/** Writes a set as text, all codebooks in one pass. Dictionaries are written separately, for all splits together. */
export async function writeTextLabels(folder: string, name: string, label: string, set: LabelSet): Promise<void> {
  const files: AtomicFile[] = [];
  try {
    for (const own of bookLabels(label, set.stamp.codebooks)) files.push(await beginAtomic(join(folder, `${name}.${own}`)));
    for (let clip = 0; clip < set.clips; clip++) {
      const frames = set.frames(clip);
      const codes = set.read(clip, 0, frames);
      for (const [book, file] of files.entries()) await file.write(`${codes.subarray(book * frames, (book + 1) * frames).join(" ")}\n`);
    }
    for (const file of files) await file.commit();
  } catch (error) {
    for (const file of files) await file.abandon();
    throw error;
  }
}

/** Writes dict.<label>.txt for each codebook: every code in numeric order with its count, unused codes included.
 *  @param counts [codebooks][codes]. */
export async function writeDictionaries(folder: string, label: string, counts: readonly Float64Array[]): Promise<void> {
  for (const [book, own] of bookLabels(label, counts.length).entries()) {
    await writeAtomic(join(folder, `dict.${own}.txt`), Array.from(counts[book]!, (count, code) => `${code} ${count}\n`).join(""));
  }
}
