// Layouts: the labels of a corpus in the form of the four probe data sets, for programs that read those. Each data set's own rule of splitting
// (folders, lists, hashes of artists) gives the split that the song was made for.
import { albumOf } from "./artists.ts";
import { tags } from "./label.ts";
import { round4, toNineSteps } from "./mood.ts";
import type { SongFacts } from "./song-facts.ts";

export interface Layouts {
  /** Text files by their path in the corpus. */
  readonly files: ReadonlyMap<string, string>;
  /** Sound files by their path in the corpus: each is another name of the clip with this id. */
  readonly links: ReadonlyMap<string, string>;
  /** Metadata in the form of JukeMIR's, by path; JSON to be gzipped. */
  readonly metadata: ReadonlyMap<string, unknown>;
}

export interface LayoutOptions {
  /** "wav" or "flac". */
  readonly extension: string;
  /** The length of a clip. GiantSteps' songs are cut into clips of this length by their readers. */
  readonly clipSeconds: number;
}

export function layoutsOf(songs: readonly SongFacts[], options: LayoutOptions): Layouts {
  const layouts = [mtt(songs, options), gtzan(songs, options), gs(songs, options), emo(songs, options)];
  const merged = <V>(maps: readonly ReadonlyMap<string, V>[]) => new Map(maps.flatMap((map) => [...map]));
  return {
    files: merged(layouts.map(({ files }) => files)),
    links: merged(layouts.map(({ links }) => links)),
    metadata: merged(layouts.map(({ metadata }) => metadata)),
  };
}

/** The data sets count from 1. */
function numberOf({ song }: SongFacts): number {
  return song + 1;
}

const [mtgFolder, keyFolder] = ["gs/giantsteps-mtg-key-dataset", "gs/giantsteps-key-dataset"];

/** Where GiantSteps' layout has the whole song. */
export function keyPath(song: SongFacts, extension: string): string {
  return `${song.split === "test" ? keyFolder : mtgFolder}/audio/${numberOf(song)}.LOFI.${extension}`;
}

/** Where EmoMusic's layout has the song's first 45 s. */
export function emotionPath(song: SongFacts, extension: string): string {
  return `emo/clips_45sec/${numberOf(song)}.${extension}`;
}

function slug(text: string): string {
  return text.replaceAll(" ", "_");
}

function lines(rows: readonly (readonly (string | number)[])[], separator: string, quote = false): string {
  return rows.map((row) => `${row.map((cell) => (quote ? `"${cell}"` : String(cell))).join(separator)}\n`).join("");
}

/** MagnaTagATune: every clip. Tab-separated, quoted; the split is the first letter of the folder: 0-b train, c valid, d-f test. */
function mtt(songs: readonly SongFacts[], { extension }: LayoutOptions): Layouts {
  const folders = { train: "0123456789ab", valid: "c", test: "def" };
  const rows = songs.flatMap((song) => {
    const artist = song.artists.join(", ");
    const album = albumOf(song.artists[0]!);
    const letters = folders[song.split];
    const folder = letters[song.song % letters.length]!;
    return song.clips.map((clip, index) => {
      const [start, end] = [Math.round(clip.startSeconds), Math.round(clip.startSeconds + clip.seconds)];
      const track = `${slug(artist.replaceAll(",", ""))}-${slug(album)}-01-${slug(song.title)}-${song.song}`;
      const path = `${folder}/${track}-${start}-${end}.${extension}`;
      return { song, clip, index, artist, album, start, end, path, number: Number(clip.id) + 1, url: `synth:${song.song}` };
    });
  });
  const annotations = rows.map(({ clip, number, path }) => [number, ...tags.map((tag) => (clip.tags.includes(tag) ? 1 : 0)), path]);
  const info = rows.map(({ song, number, artist, album, start, end, path, url }) => [
    number,
    1,
    song.title,
    artist,
    album,
    "",
    start,
    end,
    url,
    path,
  ]);
  const infoHead = ["clip_id", "track_number", "title", "artist", "album", "url", "segmentStart", "segmentEnd", "original_url", "mp3_path"];
  const metadata = rows.map(({ song, clip, index, number, artist, album, path, url }) => [
    String(number).padStart(5, "0"),
    {
      clip: {
        audio_duration: song.seconds,
        audio_uid: [url, "1"],
        clip_duration: clip.seconds,
        clip_idx: index,
        clip_offset: clip.startSeconds,
      },
      extra: { album, artist, clip_id: String(number), mp3_path: path, original_url: url, title: song.title, track_number: "1" },
      split: song.split,
      y: clip.tags,
      y_all: clip.tags,
    },
  ]);
  return {
    files: new Map([
      ["mtt/annotations_final.csv", lines([["clip_id", ...tags, "mp3_path"], ...annotations], "\t", true)],
      ["mtt/clip_info_final.csv", lines([infoHead, ...info], "\t", true)],
    ]),
    links: new Map(rows.map(({ clip, path }) => [`mtt/mp3/${path}`, clip.id])),
    metadata: new Map([["mtt/magnatagatune.json.gz", Object.fromEntries(metadata)]]),
  };
}

/** GTZAN: the first clip of every song, in a folder a genre; the split is three lists. */
function gtzan(songs: readonly SongFacts[], { extension }: LayoutOptions): Layouts {
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
    links: new Map(rows.map(({ song, name }) => [`gtzan/genres/${song.style}/${name}.${extension}`, song.clips[0]!.id])),
    metadata: new Map([
      [
        "gtzan/gtzan_ff.json.gz",
        Object.fromEntries(rows.map(({ song, name }) => [name, { extra: { id: name, uid: name }, split: song.split, y: song.style }])),
      ],
    ]),
  };
}

/** GiantSteps: whole songs, which readers cut into clips and drop the remainder. The MTG set trains and validates, the split is made by a hash
 *  of the artists; the key set tests. One MTG song in twelve has an annotation that readers must leave out: low confidence or two keys. The
 *  tables are in descending order, so that artists who move to valid with another one do so only in the second pass. */
function gs(songs: readonly SongFacts[], { clipSeconds }: LayoutOptions): Layouts {
  const learned = songs.filter(({ split }) => split !== "test").reverse();
  const tests = songs.filter(({ split }) => split === "test");
  const isClear = ({ song, split }: SongFacts) => split === "test" || song % 12 !== 5;
  const annotation = (song: SongFacts) => {
    const [tonic, mode] = song.key.split(" ") as [string, string];
    const key = `${song.song % 2 === 0 ? (sharps[tonic] ?? tonic) : tonic} ${mode}`;
    if (isClear(song)) return [numberOf(song), key, 2];
    return song.song % 24 === 5 ? [numberOf(song), key, 1] : [numberOf(song), `${key} / ${mode === "major" ? "A minor" : "C major"}`, 2];
  };
  const beatport = (song: SongFacts) => ({
    ID: String(numberOf(song)),
    ARTIST: song.artists.join(", "),
    "SONG TITLE": song.title,
    MIX: "Original Mix",
    LABEL: "Ostinato",
    "BP GENRE": song.style,
    "BP BPM": String(Math.round(song.beatsPerMinute)),
    "BP KEY": song.key,
  });
  const metadata = songs.filter(isClear).flatMap((song) =>
    Array.from({ length: Math.floor(song.seconds / clipSeconds) }, (_, index) => {
      const uid = String(numberOf(song)).padStart(7, "0");
      return [
        `${uid}-${index}`,
        {
          clip: {
            audio_duration: song.seconds,
            audio_uid: uid,
            clip_duration: clipSeconds,
            clip_idx: index,
            clip_offset: index * clipSeconds,
          },
          extra: { id: numberOf(song), key: song.key, beatport_metadata: beatport(song) },
          split: song.split,
          y: song.key,
        },
      ];
    }),
  );
  const columns = ["ID", "ARTIST", "SONG TITLE", "MIX", "LABEL", "BP GENRE", "BP BPM", "BP KEY"] as const;
  return {
    files: new Map([
      [`${mtgFolder}/annotations/annotations.txt`, lines([["ID", "MANUAL KEY", "C"], ...learned.map(annotation)], "\t")],
      [
        `${mtgFolder}/annotations/beatport_metadata.txt`,
        lines([columns, ...learned.map(beatport).map((row) => columns.map((column) => row[column]))], "\t"),
      ],
      ...tests.map((song): [string, string] => [`${keyFolder}/annotations/key/${numberOf(song)}.LOFI.key`, `${song.key}\n`]),
    ]),
    links: new Map(),
    metadata: new Map([["gs/giantsteps_clips.json.gz", Object.fromEntries(metadata)]]),
  };
}

const sharps: Readonly<Record<string, string>> = { Db: "C#", Eb: "D#", Gb: "F#", Ab: "G#", Bb: "A#" };

/** EmoMusic: the first 45 s of every song. "evaluation" tests, the rest is split by a hash of the artist, here the first of the song's artists.
 *  Arousal and valence are on a scale of 1 to 9. */
function emo(songs: readonly SongFacts[], { extension, clipSeconds }: LayoutOptions): Layouts {
  const longest = 1.5 * clipSeconds;
  const set = (song: SongFacts) => (song.split === "test" ? "evaluation" : "development");
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
    numberOf(song),
    `${numberOf(song)}.${extension}`,
    song.artists[0]!,
    song.title,
    "0.00",
    `0.${String(Math.round(Math.min(longest, song.seconds))).padStart(2, "0")}`,
    song.style,
    set(song),
  ]);
  const values = songs.map((song) => [toNineSteps(song.mood.arousal), toNineSteps(song.mood.valence)] as const);
  const learned = values.filter((_, i) => songs[i]!.split !== "test");
  const scale = ([0, 1] as const).map((column) => {
    const list = learned.map((row) => row[column]);
    const mean = list.reduce((sum, value) => sum + value, 0) / (list.length || 1);
    return { mean, deviation: Math.sqrt(list.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / (list.length || 1)) || 1 };
  });
  const metadata = songs.map((song, i) => [
    String(numberOf(song)).padStart(4, "0"),
    {
      clip: {
        audio_duration: song.seconds,
        audio_uid: [song.artists[0]!, song.title],
        clip_duration: Math.min(longest, song.seconds),
        clip_idx: 0,
        clip_offset: 0,
      },
      extra: { songs_info: Object.fromEntries(infoHead.map((head, column) => [head, String(info[i]![column])])) },
      split: song.split,
      y: scale.map(({ mean, deviation }, column) => round4((values[i]![column]! - mean) / deviation)),
    },
  ]);
  const annotations = songs.map((song, i) => [numberOf(song), values[i]![0], 0, values[i]![1], 0]);
  return {
    files: new Map([
      ["emo/annotations/songs_info.csv", lines([infoHead, ...info], ",")],
      [
        "emo/annotations/static_annotations.csv",
        lines([["song_id", "mean_arousal", "std_arousal", "mean_valence", "std_valence"], ...annotations], ","),
      ],
    ]),
    links: new Map(),
    metadata: new Map([["emo/emomusic.json.gz", Object.fromEntries(metadata)]]),
  };
}
