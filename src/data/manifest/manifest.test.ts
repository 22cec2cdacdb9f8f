// Manifests: fairseq's and MERT's layouts are read, and what they lack must be given.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { isManifestHash, manifestHash, readManifest, readManifests, writeManifests } from "./files.ts";
import { manifestText, parseManifest } from "./manifest.ts";
import { splitPaths } from "./split.ts";

const work = await mkdtemp(join(tmpdir(), "ostinato-manifest-"));
afterAll(() => rm(work, { recursive: true }));
let folders = 0;
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(work, String(folders++));
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}
const rate = { sampleRateHz: 24_000 };

test("a manifest is fairseq's tsv, and comes back from it", () => {
  const text = "/music\na b.wav\t24000\ndisc/ü.flac\t7\n";
  const manifest = parseManifest(text, "train.tsv");
  expect(manifest).toEqual({
    root: "/music",
    clips: [
      { path: "a b.wav", samples: 24_000 },
      { path: "disc/ü.flac", samples: 7 },
    ],
  });
  expect(manifestText(manifest)).toBe(text);
  expect(parseManifest(text.replaceAll("\n", "\r\n"), "train.tsv")).toEqual(manifest);
});

test.each([
  ["/music\na.wav 24000\n", 'train.tsv, line 2: "a.wav 24000" is no clip. A line is a path, a tab and a number of samples.'],
  ["/music\na.wav\t-1\n", "line 2"],
  ["/music\na.wav\t1\n\nb.wav\t2\n", "line 3"],
  ["a.wav\t24000\n", "its first line should name the folder of the clips"],
  ["", "its first line should name the folder"],
])("what is no manifest is named: %j", (text, message) => {
  expect(() => parseManifest(text, "train.tsv")).toThrow(message);
});

test("the sample rate stands in manifest.json; without it it must be given, and the two must agree", async () => {
  const folder = await folderOf({ "train.tsv": "/music\na.wav\t48000\n" });
  await expect(readManifest(folder, "train")).rejects.toThrow("the sample rate of its lengths is unknown. Give it: --sample-rate");
  const manifest = await readManifest(folder, "train", rate);
  expect(manifest.sampleRateHz).toBe(24_000);
  await writeManifests(folder, [{ name: "train", manifest }]);
  expect(await readManifest(folder, "train")).toEqual(manifest);
  await expect(readManifest(folder, "train", { sampleRateHz: 16_000 })).rejects.toThrow("says 24000 Hz, but 16000 Hz was given");
  await expect(readManifest(folder, "valid")).rejects.toThrow("holds no valid.tsv");
  await expect(readManifests(join(folder, "nowhere"))).rejects.toThrow("There is no folder");
});

test("MERT's shards are manifests of their own, in order of their numbers", async () => {
  const files = Object.fromEntries([0, 2, 10].map((i) => [`train_${i}_11.tsv`, `/music\n${i}.wav\t${i + 1}\n`]));
  const folder = await folderOf({ ...files, "valid.tsv": "/music\nv.wav\t9\n", "train_0_11.codec_0": "1 2\n" });
  const shards = await readManifests(folder, "train", rate);
  expect(shards.map(({ name, manifest }) => [name, manifest.clips[0]!.path])).toEqual([
    ["train_0_11", "0.wav"],
    ["train_2_11", "2.wav"],
    ["train_10_11", "10.wav"],
  ]);
  expect((await readManifests(folder, undefined, rate)).map(({ name }) => name)).toEqual([
    "train_0_11",
    "train_2_11",
    "train_10_11",
    "valid",
  ]);
  await expect(readManifest(folder, "train", rate)).rejects.toThrow("holds train in 3 shards");
});

test("a manifest that was split into files is joined, whether each names the root or only the first", async () => {
  const whole = { root: "/music", sampleRateHz: 24_000, clips: ["a", "b", "c"].map((path, i) => ({ path, samples: i })) };
  const cut = await folderOf({ "train.tsv.00": "/music\na\t0\n", "train.tsv.01": "b\t1\nc\t2\n" });
  expect(await readManifest(cut, "train", rate)).toEqual(whole);
  const headed = await folderOf({ "train.tsv.0": "/music\na\t0\nb\t1\n", "train.tsv.1": "/music\nc\t2\n" });
  expect(await readManifest(headed, "train", rate)).toEqual(whole);
  const torn = await folderOf({ "train.tsv.0": "/music\na\t0\n", "train.tsv.1": "/other\nc\t2\n" });
  await expect(readManifest(torn, "train", rate)).rejects.toThrow("has the root /other, the pieces before it /music");
});

test("the hash is of the clips in their order, wherever the corpus lies", () => {
  const [a, b] = [
    { path: "a", samples: 1 },
    { path: "b", samples: 1 },
  ] as const;
  const manifest = { root: "/music", clips: [a, b] };
  const hash = manifestHash(manifest);
  expect(hash).toHaveLength(64);
  expect(manifestHash({ clips: [{ ...a, samples: 2 }, b] })).not.toBe(hash);
  expect(manifestHash({ clips: [b, a] })).not.toBe(hash);
  const moved = { ...manifest, root: "/elsewhere" };
  expect(isManifestHash(hash, moved)).toBe(true);
  const earlier = createHash("sha256").update(manifestText(manifest)).digest("hex"); // as stamped before the root was left out
  expect([isManifestHash(earlier, manifest), isManifestHash(earlier, moved)]).toEqual([true, false]);
});

test("a split depends on the seed and the names: new files move few others", () => {
  const paths = Array.from({ length: 200 }, (_, i) => `disc${i % 7}/${i}.wav`);
  const first = splitPaths(paths, { percent: 10, seed: 1 });
  expect(first.valid).toHaveLength(20);
  expect([...first.train, ...first.valid].sort()).toEqual([...paths].sort());
  expect(splitPaths([...paths].reverse(), { percent: 10, seed: 1 }).valid.sort()).toEqual([...first.valid].sort());
  expect(splitPaths(paths, { percent: 10, seed: 2 }).valid).not.toEqual(first.valid);
  const later = splitPaths([...paths, "new/a.wav", "new/b.wav"], { percent: 10, seed: 1 });
  expect(first.valid.filter((path) => !later.valid.includes(path)).length).toBeLessThan(3);
  expect(splitPaths(["a", "b"], { percent: 1, seed: 0 }).valid).toHaveLength(1);
  expect(splitPaths(["a"], { percent: 50, seed: 0 })).toEqual({ train: ["a"], valid: [] });
  expect(splitPaths(paths, { percent: 0, seed: 0 }).valid).toEqual([]);
});

test("a list holds out files and whole folders, and one that names nothing is refused", () => {
  const paths = ["a/1.wav", "a/2.wav", "ab/3.wav", "b/c/4.wav"];
  expect(splitPaths(paths, { list: ["a", "b/c/4.wav"] }).valid).toEqual(["a/1.wav", "a/2.wav", "b/c/4.wav"]);
  expect(() => splitPaths(paths, { list: ["a", "ab", "b"] })).toThrow("none is left to train on");
  expect(() => splitPaths(paths, { list: ["/music/a"] })).toThrow("names 1 paths, none of them a clip");
});
