// Jobs of a corpus: what a worker gets to make a song, and what it returns.

import type { SongOptions } from "./song.ts";
import type { SongFacts } from "./song-facts.ts";

export const formats = ["wav", "flac"] as const;
export type CorpusFormat = (typeof formats)[number];

export interface SongJob extends SongOptions {
  /** Folder of the corpus. */
  readonly out: string;
  readonly format: CorpusFormat;
  /** Number of the song's first clip. */
  readonly firstClip: number;
}

export interface SongDone {
  /** "skipped" when all files of the song existed. */
  readonly status: "done" | "skipped";
  readonly facts: SongFacts;
  /** The song's line of songs.jsonl. */
  readonly line: string;
  readonly clips: readonly {
    readonly path: string;
    readonly seconds: number;
    /** The clip's line of clips.jsonl. */
    readonly line: string;
  }[];
}

/** Path of a clip in its corpus: a folder for each thousand clips. */
export function clipPath(id: string, format: CorpusFormat): string {
  return `audio/${id.slice(0, -3)}/${id}.${format}`;
}
