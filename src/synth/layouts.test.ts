import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { tags } from "./label.ts";
import { emotionPath, keyPath, layoutsOf } from "./layouts.ts";
import { planSong } from "./song.ts";
import { factsOf } from "./song-facts.ts";

const sha1 = (text: string, divisor: number) => Number(BigInt(`0x${createHash("sha1").update(text).digest("hex")}`) % BigInt(divisor));
let firstClip = 0;
const songs = Array.from({ length: 96 }, (_, song) => {
  const facts = factsOf(planSong({ seed: 3, song, clipSeconds: 30, sampleRateHz: 24_000 }), { song, firstClip });
  firstClip += facts.clips.length;
  return facts;
});
const { files, links, metadata } = layoutsOf(songs, { extension: "wav", clipSeconds: 30 });
const clips = new Map(songs.flatMap((song) => song.clips.map((clip) => [clip.id, { song, clip }] as const)));
const table = (path: string, separator: string) => {
  const [head, ...rows] = files.get(path)!.trimEnd().replaceAll('"', "").split("\n");
  const names = head!.split(separator);
  return rows.map((row) => Object.fromEntries(row.split(separator).map((cell, i) => [names[i]!, cell])) as Record<string, string>);
};
const mtg = "gs/giantsteps-mtg-key-dataset";

test("the tags' layout is MagnaTagATune's: several clips a song, fifty tags, split by the first letter of the folder", () => {
  const rows = table("mtt/annotations_final.csv", "\t");
  expect(rows).toHaveLength(clips.size);
  expect(Object.keys(rows[0]!)).toHaveLength(tags.length + 2);
  expect(tags).toHaveLength(50);
  for (const row of rows) {
    const { song, clip } = clips.get(links.get(`mtt/mp3/${row.mp3_path}`)!)!;
    const folder = row.mp3_path![0]!;
    expect(folder <= "b" ? "train" : folder === "c" ? "valid" : "test").toBe(song.split);
    expect(tags.filter((tag) => row[tag] === "1")).toEqual(clip.tags);
  }
  const info = table("mtt/clip_info_final.csv", "\t");
  const urls = new Map<string, number>();
  for (const { original_url } of info) urls.set(original_url!, (urls.get(original_url!) ?? 0) + 1);
  expect([...urls.values()]).toEqual(songs.map((song) => song.clips.length));
  expect(info.map(({ segmentStart }) => Number(segmentStart))).toEqual([...clips.values()].map(({ clip }) => clip.startSeconds));
});

test("the genres' layout is GTZAN's: one clip a song in a folder a genre, three lists", () => {
  let count = 0;
  for (const split of ["train", "valid", "test"]) {
    for (const name of files.get(`gtzan/${split}_filtered.txt`)!.trimEnd().split("\n")) {
      const { song, clip } = clips.get(links.get(`gtzan/genres/${name}`)!)!;
      expect(song.split).toBe(split);
      expect(name.split("/")[0]).toBe(song.style);
      expect(clip.startSeconds).toBe(0);
      count++;
    }
  }
  expect(count).toBe(songs.length);
});

/** GiantSteps' rule: a hash of each artist, then twice all artists of any song that has a valid artist move to valid. */
function giantStepsSplits(rounds: number): Map<string, string> {
  const rows = table(`${mtg}/annotations/beatport_metadata.txt`, "\t");
  const artistsOf = (row: Record<string, string>) => row.ARTIST!.split(",").map((artist) => artist.trim().toLowerCase());
  const valid = new Set(rows.flatMap(artistsOf).filter((artist) => sha1(artist, 116) >= 100));
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) {
      const artists = artistsOf(row);
      if (artists.some((artist) => valid.has(artist))) for (const artist of artists) valid.add(artist);
    }
  }
  return new Map(rows.map((row) => [row.ID!, artistsOf(row).some((artist) => valid.has(artist)) ? "valid" : "train"]));
}

test("the keys' layout is GiantSteps': whole songs, split by the artists' hashes once those who share a song have moved twice", () => {
  const splits = giantStepsSplits(2);
  const learned = songs.filter(({ split }) => split !== "test");
  expect([...splits.keys()].map(Number).sort((a, b) => a - b)).toEqual(learned.map(({ song }) => song + 1));
  for (const { song, split } of learned) expect(splits.get(String(song + 1)), `song ${song}`).toBe(split);
  const wrong = (rounds: number) => learned.filter(({ song, split }) => giantStepsSplits(rounds).get(String(song + 1)) !== split).length;
  expect(wrong(0)).toBeGreaterThan(wrong(1));
  expect(wrong(1)).toBeGreaterThan(0);
});

test("GiantSteps' annotations hold the songs' keys, some in sharps, and some rows that readers leave out", () => {
  const flats: Record<string, string> = { "C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb" };
  const rows = table(`${mtg}/annotations/annotations.txt`, "\t");
  const clear = rows.filter((row) => row.C === "2" && !row["MANUAL KEY"]!.includes("/"));
  expect(clear.length).toBeLessThan(rows.length);
  expect(rows.some((row) => row["MANUAL KEY"]!.includes("/"))).toBe(true);
  expect(rows.some((row) => row["MANUAL KEY"]!.includes("#"))).toBe(true);
  const labels = Object.entries(metadata.get("gs/giantsteps_clips.json.gz") as Record<string, { split: string; y: string }>);
  for (const row of clear) {
    const [tonic, mode] = row["MANUAL KEY"]!.split(" ") as [string, string];
    expect(`${flats[tonic] ?? tonic} ${mode}`).toBe(songs[Number(row.ID) - 1]!.key);
  }
  const tests = songs.filter(({ split }) => split === "test");
  for (const song of tests) expect(files.get(`gs/giantsteps-key-dataset/annotations/key/${song.song + 1}.LOFI.key`)).toBe(`${song.key}\n`);
  const whole = (list: readonly { song: number; seconds: number }[]) =>
    list.reduce((sum, { seconds }) => sum + Math.floor(seconds / 30), 0);
  expect(labels).toHaveLength(whole(clear.map((row) => songs[Number(row.ID) - 1]!)) + whole(tests));
  const counts = new Set(songs.map(({ seconds }) => Math.floor(seconds / 30)));
  expect(counts.size).toBeGreaterThan(2); // a vote has one to five clips
  expect(keyPath(tests[0]!, "wav")).toBe(`gs/giantsteps-key-dataset/audio/${tests[0]!.song + 1}.LOFI.wav`);
});

test("the emotions' layout is EmoMusic's: evaluation tests, the hash of the artist splits the rest; values from 1 to 9", () => {
  for (const row of table("emo/annotations/songs_info.csv", ",")) {
    const song = songs[Number(row.song_id) - 1]!;
    const split = row["Mediaeval 2013 set"] === "evaluation" ? "test" : sha1(row.Artist!, 10) >= 8 ? "valid" : "train";
    expect(split).toBe(song.split);
    expect(`emo/clips_45sec/${row.file_name}`).toBe(emotionPath(song, "wav"));
    expect(row["end of the segment (min.sec)"]).toBe(`0.${Math.round(Math.min(45, song.seconds))}`);
  }
  for (const row of table("emo/annotations/static_annotations.csv", ",")) {
    expect(Number(row.mean_arousal)).toBeCloseTo(5 + 4 * songs[Number(row.song_id) - 1]!.mood.arousal, 3);
    expect(Number(row.mean_valence)).toBeGreaterThanOrEqual(1);
    expect(Number(row.mean_valence)).toBeLessThanOrEqual(9);
  }
});

test("JukeMIR's metadata has a clip's place in its song, and the same splits", () => {
  const [tagged, genres, keys, moods] = ["mtt/magnatagatune", "gtzan/gtzan_ff", "gs/giantsteps_clips", "emo/emomusic"].map((name) =>
    Object.values(metadata.get(`${name}.json.gz`) as Record<string, { split: string; clip: Record<string, number> }>),
  );
  expect(tagged!.map(({ split }) => split)).toEqual([...clips.values()].map(({ song }) => song.split));
  for (const list of [genres!, moods!]) expect(list.map(({ split }) => split)).toEqual(songs.map(({ split }) => split));
  expect(new Set(keys!.map(({ clip }) => clip.clip_idx)).size).toBeGreaterThan(2);
  for (const { clip } of keys!) expect(clip.clip_offset! + 30).toBeLessThanOrEqual(clip.audio_duration!);
});

test("artists have several songs, songs may have two artists, and no artist is in two splits", () => {
  const splits = new Map<string, Set<string>>();
  const counts = new Map<string, number>();
  for (const { artists, split } of songs) {
    for (const artist of artists) {
      splits.set(artist, (splits.get(artist) ?? new Set()).add(split));
      counts.set(artist, (counts.get(artist) ?? 0) + 1);
    }
  }
  expect([...splits.values()].every((set) => set.size === 1)).toBe(true);
  expect(Math.max(...counts.values())).toBeGreaterThan(2);
  expect(Math.min(...counts.values())).toBe(1);
  expect(songs.filter(({ artists }) => artists.length > 1).length).toBeGreaterThan(5);
});
