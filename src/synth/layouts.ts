// Layouts: the labels of a corpus written as the four probe data sets write theirs, so that whatever reads those reads ours. Every set's own
// rule of splitting (folders, lists, hashes of artists) gives the split the clip was made for.
import { pick, seededBy } from "./dice.ts";
import type { ClipLabel } from "./label.ts";
import { tags } from "./label.ts";
import { round4, toNineSteps } from "./mood.ts";

/** What the layouts need of a label. */
export type ClipFacts = Pick<ClipLabel, "id" | "split" | "style" | "key" | "mood" | "tags" | "beatsPerMinute" | "seconds">;

/** The facts of a label, and nothing that would keep the rest in memory. */
export function factsOf({ id, split, style, key, mood, tags: own, beatsPerMinute, seconds }: ClipLabel): ClipFacts {
  return { id, split, style, key, mood, tags: own, beatsPerMinute, seconds };
}

export interface Layouts {
  /** Text files by their path in the corpus. */
  readonly files: ReadonlyMap<string, string>;
  /** Sound files by their path in the corpus: each is clip `id` under another name. */
  readonly links: ReadonlyMap<string, string>;
  /** Metadata as JukeMIR publishes it, by path; JSON to be gzipped. */
  readonly metadata: ReadonlyMap<string, unknown>;
}

/** Whole numbers from a text, as sha1 read as one number gives: remainders of it. */
export type Sha1Remainder = (text: string, divisor: number) => number;

/** @param extension "wav" or "flac". */
export function layoutsOf(
  clips: readonly ClipFacts[],
  { extension, seed, sha1 }: { extension: string; seed: number; sha1: Sha1Remainder },
): Layouts {
  const songs = clips.map((clip) => songOf(clip, seed, sha1));
  const parts = [mtt(songs, extension), gtzan(songs, extension), gs(songs, extension), emo(songs, extension)];
  const merged = <V>(maps: readonly ReadonlyMap<string, V>[]) => new Map(maps.flatMap((map) => [...map]));
  return {
    files: merged(parts.map(({ files }) => files)),
    links: merged(parts.map(({ links }) => links)),
    metadata: merged(parts.map(({ metadata }) => metadata)),
  };
}

interface Song extends ClipFacts {
  /** From 1: data sets do not count from 0. */
  readonly number: number;
  readonly artist: string;
  readonly title: string;
}

const first =
  "amber,autumn,blue,bright,cedar,copper,crimson,dusty,early,electric,fading,gentle,golden,hidden,hollow,iron,ivory,late,lonely,lucky,midnight,misty,northern,painted,paper,quiet,restless,rolling,rusty,silent,silver,southern,summer,tall,velvet,violet,wandering,western,wild,winter".split(
    ",",
  );
const second =
  "anchors,arrows,bells,birds,bridges,canyons,clouds,crows,doors,embers,feathers,fields,foxes,gardens,harbours,hills,horses,islands,ladders,lanterns,letters,lions,mirrors,moons,mountains,oceans,pilots,pines,rivers,roads,sailors,shadows,sparrows,stones,strangers,swallows,towers,trains,waves,wolves".split(
    ",",
  );
const third = "band,choir,club,company,duo,ensemble,four,orchestra,players,quartet,quintet,singers,society,trio,two,union".split(",");

/** An artist whose name falls, by GiantSteps' and EmoMusic's hashes, into the split of the clip; test artists share no hash class with
 *  the others, so no artist is in two splits. */
function songOf(clip: ClipFacts, seed: number, sha1: Sha1Remainder): Song {
  const rng = seededBy("artist", seed, clip.id);
  for (;;) {
    const artist = `${pick(rng, first)} ${pick(rng, second)} ${pick(rng, third)}`;
    const [giant, emo] = [sha1(artist, 116) < 100, sha1(artist, 10) < 8];
    const falls = clip.split === "train" ? giant && emo : clip.split === "valid" ? !giant && !emo : giant && !emo;
    if (falls)
      return { ...clip, number: Number(clip.id) + 1, artist, title: `${pick(rng, second)} of ${pick(rng, first)} ${pick(rng, second)}` };
  }
}

function slug(text: string): string {
  return text.replaceAll(" ", "_");
}

function lines(rows: readonly (readonly (string | number)[])[], separator: string, quote = false): string {
  return rows.map((row) => `${row.map((cell) => (quote ? `"${cell}"` : String(cell))).join(separator)}\n`).join("");
}

/** MagnaTagATune: tab-separated, quoted; the split is the first letter of the folder: 0-b train, c valid, d-f test. */
function mtt(songs: readonly Song[], extension: string): Layouts {
  const folders = { train: "0123456789ab", valid: "c", test: "def" };
  const rows = songs.map((song) => {
    const letters = folders[song.split];
    const folder = letters[song.number % letters.length]!;
    const path = `${folder}/${slug(song.artist)}-${slug(song.title)}-01-${song.id}-0-${Math.round(song.seconds)}.${extension}`;
    return { song, path };
  });
  const annotations = rows.map(({ song, path }) => [song.number, ...tags.map((tag) => (song.tags.includes(tag) ? 1 : 0)), path]);
  const info = rows.map(({ song, path }) => [
    song.number,
    1,
    song.title,
    song.artist,
    song.title,
    "",
    0,
    Math.round(song.seconds),
    "",
    path,
  ]);
  const infoHead = ["clip_id", "track_number", "title", "artist", "album", "url", "segmentStart", "segmentEnd", "original_url", "mp3_path"];
  const metadata = rows.map(({ song, path }) => [
    String(song.number).padStart(5, "0"),
    {
      clip: { audio_duration: song.seconds, audio_uid: [song.id], clip_duration: song.seconds, clip_idx: 0, clip_offset: 0 },
      extra: { artist: song.artist, clip_id: String(song.number), mp3_path: path, title: song.title },
      split: song.split,
      y: song.tags,
      y_all: song.tags,
    },
  ]);
  return {
    files: new Map([
      ["mtt/annotations_final.csv", lines([["clip_id", ...tags, "mp3_path"], ...annotations], "\t", true)],
      ["mtt/clip_info_final.csv", lines([infoHead, ...info], "\t", true)],
    ]),
    links: new Map(rows.map(({ song, path }) => [`mtt/mp3/${path}`, song.id])),
    metadata: new Map([["mtt/magnatagatune.json.gz", Object.fromEntries(metadata)]]),
  };
}

/** GTZAN: a folder a genre, numbered; the split is three lists. */
function gtzan(songs: readonly Song[], extension: string): Layouts {
  const counts = new Map<string, number>();
  const rows = songs.map((song) => {
    const count = counts.get(song.style) ?? 0;
    counts.set(song.style, count + 1);
    return { song, name: `${song.style}.${String(count).padStart(5, "0")}` };
  });
  const list = (split: string) =>
    rows.filter(({ song }) => song.split === split).map(({ song, name }) => [`${song.style}/${name}.${extension}`]);
  return {
    files: new Map(["train", "valid", "test"].map((split) => [`gtzan/${split}_filtered.txt`, lines(list(split), "")])),
    links: new Map(rows.map(({ song, name }) => [`gtzan/genres/${song.style}/${name}.${extension}`, song.id])),
    metadata: new Map([
      [
        "gtzan/gtzan_ff.json.gz",
        Object.fromEntries(rows.map(({ song, name }) => [name, { extra: { id: name, uid: name }, split: song.split, y: song.style }])),
      ],
    ]),
  };
}

/** GiantSteps: the MTG set trains and validates, the split by a hash of the artist; the key set tests. */
function gs(songs: readonly Song[], extension: string): Layouts {
  const [mtg, keys] = ["gs/giantsteps-mtg-key-dataset", "gs/giantsteps-key-dataset"];
  const learnt = songs.filter(({ split }) => split !== "test");
  const asked = songs.filter(({ split }) => split === "test");
  const beatport = learnt.map((song) => [
    song.number,
    song.artist,
    song.title,
    "Original Mix",
    "Ostinato",
    song.style,
    Math.round(song.beatsPerMinute),
    song.key,
  ]);
  const links = [
    ...learnt.map((song) => [`${mtg}/audio/${song.number}.LOFI.${extension}`, song.id]),
    ...asked.map((song) => [`${keys}/audio/${song.number}.LOFI.${extension}`, song.id]),
  ];
  const metadata = songs.map((song) => [
    `${String(song.number).padStart(7, "0")}-0`,
    {
      clip: {
        audio_duration: song.seconds,
        audio_uid: String(song.number).padStart(7, "0"),
        clip_duration: song.seconds,
        clip_idx: 0,
        clip_offset: 0,
      },
      extra: { id: song.number, key: song.key, beatport_metadata: { ARTIST: song.artist, "SONG TITLE": song.title } },
      split: song.split,
      y: song.key,
    },
  ]);
  return {
    files: new Map([
      [`${mtg}/annotations/annotations.txt`, lines([["ID", "MANUAL KEY", "C"], ...learnt.map((song) => [song.number, song.key, 2])], "\t")],
      [
        `${mtg}/annotations/beatport_metadata.txt`,
        lines([["ID", "ARTIST", "SONG TITLE", "MIX", "LABEL", "BP GENRE", "BP BPM", "BP KEY"], ...beatport], "\t"),
      ],
      ...asked.map((song): [string, string] => [`${keys}/annotations/key/${song.number}.LOFI.key`, `${song.key}\n`]),
    ]),
    links: new Map(links as [string, string][]),
    metadata: new Map([["gs/giantsteps_clips.json.gz", Object.fromEntries(metadata)]]),
  };
}

/** EmoMusic: two tables; "evaluation" tests, the rest is split by a hash of the artist. Arousal and valence on its scale of 1 to 9. */
function emo(songs: readonly Song[], extension: string): Layouts {
  const set = (song: Song) => (song.split === "test" ? "evaluation" : "development");
  const infoHead = [
    "song_id",
    "file_name",
    "Artist",
    "Song title",
    "start of the segment (min.sec)",
    "end of the segment (min.sec)",
    "Genre",
    "Mediaeval 2013 set",
  ];
  const info = songs.map((song) => [
    song.number,
    `${song.number}.${extension}`,
    song.artist,
    song.title,
    "0.00",
    `0.${Math.round(song.seconds)}`,
    song.style,
    set(song),
  ]);
  const values = songs.map((song) => [toNineSteps(song.mood.arousal), toNineSteps(song.mood.valence)] as const);
  const learnt = values.filter((_, i) => songs[i]!.split !== "test");
  const scale = ([0, 1] as const).map((column) => {
    const list = learnt.map((row) => row[column]);
    const mean = list.reduce((sum, value) => sum + value, 0) / (list.length || 1);
    return { mean, deviation: Math.sqrt(list.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / (list.length || 1)) || 1 };
  });
  const metadata = songs.map((song, i) => [
    String(song.number).padStart(4, "0"),
    {
      clip: {
        audio_duration: song.seconds,
        audio_uid: [song.artist, song.title],
        clip_duration: song.seconds,
        clip_idx: 0,
        clip_offset: 0,
      },
      extra: { songs_info: Object.fromEntries(infoHead.map((head, column) => [head, String(info[i]![column])])) },
      split: song.split,
      y: scale.map(({ mean, deviation }, column) => round4((values[i]![column]! - mean) / deviation)),
    },
  ]);
  const annotations = songs.map((song, i) => [song.number, values[i]![0], 0, values[i]![1], 0]);
  return {
    files: new Map([
      ["emo/annotations/songs_info.csv", lines([infoHead, ...info], ",")],
      [
        "emo/annotations/static_annotations.csv",
        lines([["song_id", "mean_arousal", "std_arousal", "mean_valence", "std_valence"], ...annotations], ","),
      ],
    ]),
    links: new Map(songs.map((song) => [`emo/clips_45sec/${song.number}.${extension}`, song.id])),
    metadata: new Map([["emo/emomusic.json.gz", Object.fromEntries(metadata)]]),
  };
}
