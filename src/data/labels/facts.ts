// What a look through a label set's files shows: enough to judge it before a run is built on it.
import type { LabelSet, LabelStamp } from "./label-set.ts";

/** One codebook's labels. */
export interface BookFacts {
  /** As in file names: "codec_0". */
  readonly label: string;
  /** Codes the dictionary lists; undefined where there is none, which the compact form needs not. */
  readonly dictionary: number | undefined;
  readonly lines: number;
  /** Frames of each line. */
  readonly frames: ArrayLike<number>;
  /** How often each code of the dictionary comes. */
  readonly counts: Float64Array;
  /** Tokens that are no code of the dictionary, and the first of them. */
  readonly unknown: number;
  readonly example?: string | undefined;
}

export interface LabelFacts {
  readonly label: string;
  readonly form: "text" | "compact";
  /** Absent where the set was made elsewhere. */
  readonly stamp: LabelStamp | undefined;
  /** Those that are there, in order. */
  readonly books: readonly BookFacts[];
  /** Those that should be there too. */
  readonly missing: readonly string[];
}

/** Names of a label's codebooks in files: the label itself where there is one, else numbered. */
export function bookLabels(label: string, codebooks: number): string[] {
  return codebooks === 1 ? [label] : Array.from({ length: codebooks }, (_, book) => `${label}_${book}`);
}

/** How often each code comes in sets of one teacher: [codebooks][codes]. */
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
