// Song facts: what the layouts of the probe data sets need of a song.
import type { Split } from "./harmony.ts";
import type { Tag } from "./label.ts";
import type { Mood } from "./mood.ts";
import type { PlannedSong } from "./song.ts";
import type { StyleName } from "./styles.ts";

export interface SongFacts {
  /** The song's number in the corpus. */
  readonly song: number;
  readonly split: Split;
  readonly seconds: number;
  readonly artists: readonly string[];
  readonly title: string;
  readonly style: StyleName;
  readonly key: string;
  readonly beatsPerMinute: number;
  /** Of EmoMusic's excerpt, the first 45 s. */
  readonly mood: Mood;
  readonly clips: readonly {
    readonly id: string;
    readonly startSeconds: number;
    readonly seconds: number;
    readonly tags: readonly Tag[];
  }[];
}

export function factsOf(planned: PlannedSong, { song, firstClip }: { song: number; firstClip: number }): SongFacts {
  const { split, seconds, artists, title } = planned;
  const { style, key, beatsPerMinute, mood } = planned.emotion();
  const clips = planned.clips(firstClip).map((clip) => ({
    id: clip.id,
    startSeconds: clip.startSeconds,
    seconds: clip.seconds,
    tags: clip.tags,
  }));
  return { song, split, seconds, artists, title, style, key, beatsPerMinute, mood, clips };
}
