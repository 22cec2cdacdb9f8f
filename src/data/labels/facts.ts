// Facts about a label set, gathered by scanning its files: what preflight judges before training.
import type { LabelSet, LabelStamp } from "./label-set.ts";

/** Facts about one codebook's labels. */
export interface BookFacts {
  /** The codebook's name in file names: "codec_0". */
  readonly label: string;
  /** Number of codes in the dictionary; undefined without one, which the compact form doesn't need. */
  readonly dictionary: number | undefined;
  readonly lines: number;
  /** Frames of each line. */
  readonly frames: ArrayLike<number>;
  /** Occurrences of each code of the dictionary. */
  readonly counts: Float64Array;
  /** Number of tokens that are not in the dictionary, and the first of them. */
  readonly unknown: number;
  readonly example?: string | undefined;
  /** Digest of the codes of all lines in order: equal for codebooks with equal codes. */
  readonly digest: string;
}

/** A digest of codes, computed while they are scanned: two independent 32-bit polynomials. */
export function codeDigest(): { add(code: number): void; value(): string } {
  let [a, b] = [1, 1];
  return {
    add(code) {
      a = (Math.imul(a, 0x01000193) + code + 1) | 0;
      b = (Math.imul(b, 0x27d4eb2f) + code + 1) | 0;
    },
    value: () => `${a >>> 0} ${b >>> 0}`,
  };
}

export interface LabelFacts {
  readonly label: string;
  readonly form: "text" | "compact";
  /** Undefined where the set was made by another program. */
  readonly stamp: LabelStamp | undefined;
  /** The codebooks whose files exist, in order. */
  readonly books: readonly BookFacts[];
  /** Names of codebooks whose files are missing. */
  readonly missing: readonly string[];
}

/** Names of a label's codebooks in file names: the label itself for a single codebook, otherwise numbered. */
export function bookLabels(label: string, codebooks: number): string[] {
  return codebooks === 1 ? [label] : Array.from({ length: codebooks }, (_, book) => `${label}_${book}`);
}

/** Occurrences of each code in sets of one teacher: [codebooks][codes]. */
export function countCodes(sets: readonly LabelSet[]): Float64Array[] {
  const { codebooks, codebookSize } = sets[0]!.stamp;
  const counts = Array.from({ length: codebooks }, () => new Float64Array(codebookSize));
  for (const set of sets) {
    for (let clip = 0; clip < set.clips; clip++) {
      const frames = set.frames(clip);
      const codes = set.read(clip, 0, frames);
      for (const [book, own] of counts.entries()) {
        for (let i = book * frames; i < (book + 1) * frames; i++) own[codes[i]!] = own[codes[i]!]! + 1;
      }
    }
  }
  return counts;
}
