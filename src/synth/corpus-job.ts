// The corpus' jobs: what goes to a worker that makes a clip, and what comes back.
import type { ClipOptions } from "./clip.ts";
import type { ClipFacts } from "./layouts.ts";

export const formats = ["wav", "flac"] as const;
export type CorpusFormat = (typeof formats)[number];

export interface ClipJob extends ClipOptions {
  /** The file to write. */
  readonly path: string;
  readonly format: CorpusFormat;
}

export interface ClipDone {
  readonly status: "done" | "skipped";
  readonly facts: ClipFacts;
  /** The whole label as a line of JSON: most of the corpus' labels are never looked at in memory. */
  readonly line: string;
  readonly path: string;
}
