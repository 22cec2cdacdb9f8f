import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { planClip } from "./clip.ts";
import { tags } from "./label.ts";
import { factsOf, layoutsOf } from "./layouts.ts";

const sha1 = (text: string, divisor: number) => Number(BigInt(`0x${createHash("sha1").update(text).digest("hex")}`) % BigInt(divisor));
const facts = Array.from({ length: 80 }, (_, index) => factsOf(planClip({ seed: 3, index, seconds: 30, sampleRateHz: 24_000 }).label));
const { files, links, metadata } = layoutsOf(facts, { extension: "wav", seed: 3, sha1 });
const splitById = new Map(facts.map(({ id, split }) => [id, split]));
const table = (path: string, separator: string) => {
  const [head, ...rows] = files.get(path)!.trimEnd().replaceAll('"', "").split("\n");
  const names = head!.split(separator);
  return rows.map((row) => Object.fromEntries(row.split(separator).map((cell, i) => [names[i]!, cell])) as Record<string, string>);
};

test("the tags' layout is MagnaTagATune's: fifty tags, split by the first letter of the folder", () => {
  const rows = table("mtt/annotations_final.csv", "\t");
  expect(rows).toHaveLength(80);
  expect(Object.keys(rows[0]!)).toHaveLength(tags.length + 2);
  expect(tags).toHaveLength(50);
  for (const row of rows) {
    const id = links.get(`mtt/mp3/${row.mp3_path}`)!;
    const folder = row.mp3_path![0]!;
    expect(folder <= "b" ? "train" : folder === "c" ? "valid" : "test").toBe(splitById.get(id));
    expect(tags.filter((tag) => row[tag] === "1")).toEqual(facts[Number(id)]!.tags);
  }
});

test("the genres' layout is GTZAN's: a folder a genre, three lists", () => {
  for (const split of ["train", "valid", "test"]) {
    for (const name of files.get(`gtzan/${split}_filtered.txt`)!.trimEnd().split("\n")) {
      const id = links.get(`gtzan/genres/${name}`)!;
      expect(splitById.get(id)).toBe(split);
      expect(name.split("/")[0]).toBe(facts[Number(id)]!.style);
    }
  }
});

test("the keys' layout is GiantSteps': the hash of the artist splits train from valid, another set tests", () => {
  const keys = new Map(table("gs/giantsteps-mtg-key-dataset/annotations/annotations.txt", "\t").map((row) => [row.ID, row["MANUAL KEY"]]));
  for (const row of table("gs/giantsteps-mtg-key-dataset/annotations/beatport_metadata.txt", "\t")) {
    const id = links.get(`gs/giantsteps-mtg-key-dataset/audio/${row.ID}.LOFI.wav`)!;
    expect(sha1(row.ARTIST!.toLowerCase(), 116) < 100 ? "train" : "valid").toBe(splitById.get(id));
    expect(keys.get(row.ID)).toBe(facts[Number(id)]!.key);
  }
  const asked = facts.filter(({ split }) => split === "test");
  for (const { id, key } of asked) {
    expect(files.get(`gs/giantsteps-key-dataset/annotations/key/${Number(id) + 1}.LOFI.key`)).toBe(`${key}\n`);
    expect(links.get(`gs/giantsteps-key-dataset/audio/${Number(id) + 1}.LOFI.wav`)).toBe(id);
  }
});

test("the emotions' layout is EmoMusic's: evaluation tests, the hash of the artist splits the rest; values from 1 to 9", () => {
  for (const row of table("emo/annotations/songs_info.csv", ",")) {
    const id = links.get(`emo/clips_45sec/${row.file_name}`)!;
    const split = row["Mediaeval 2013 set"] === "evaluation" ? "test" : sha1(row.Artist!, 10) >= 8 ? "valid" : "train";
    expect(split).toBe(splitById.get(id));
  }
  for (const row of table("emo/annotations/static_annotations.csv", ",")) {
    expect(Number(row.mean_arousal)).toBeCloseTo(5 + 4 * facts[Number(row.song_id) - 1]!.mood.arousal, 3);
    expect(Number(row.mean_valence)).toBeGreaterThanOrEqual(1);
    expect(Number(row.mean_valence)).toBeLessThanOrEqual(9);
  }
});

test("JukeMIR's metadata names the same splits, and no artist is in two", () => {
  for (const set of metadata.values()) {
    const entries = Object.values(set as Record<string, { split: string }>);
    expect(entries.map(({ split }) => split)).toEqual(facts.map(({ split }) => split));
  }
  const artists = new Map<string, string>();
  for (const { Artist, song_id } of table("emo/annotations/songs_info.csv", ",")) {
    const split = splitById.get(facts[Number(song_id) - 1]!.id)!;
    expect(artists.get(Artist!) ?? split).toBe(split);
    artists.set(Artist!, split);
  }
});
