// Preflight: a valid set passes, and each way to spoil one is refused with its own message.
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { fixtureBytes } from "../../../test/fixtures/audio.ts";
import { loadAudio } from "../../audio/load.node.ts";
import { encodeWav } from "../../audio/wav.ts";
import { seeded } from "../../base/random.ts";
import { shortSong } from "../../synth/short-song.ts";
import { manifestHash, writeManifests } from "../manifest/files.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { countCodes } from "./facts.ts";
import type { LabelSet, LabelStamp } from "./label-set.ts";
import { checks } from "./preflight.ts";
import { preflightFolder, requirePreflight } from "./preflight-folder.ts";
import { writeLabels } from "./sets.ts";
import { writeDictionaries } from "./text.ts";

const work = await mkdtemp(join(tmpdir(), "ostinato-preflight-"));
afterAll(() => rm(work, { recursive: true }));
let folders = 0;

interface Spoilt {
  readonly stamp?: Partial<LabelStamp>;
  readonly validStamp?: Partial<LabelStamp>;
  /** Frames of clip 1 beyond those it should have. */
  readonly extraFrames?: number;
  readonly code?: (random: number) => number;
  readonly equalLengths?: boolean;
}

/** Two splits of three and one clips, with labels in both forms. */
async function folderOf({
  stamp = {},
  validStamp = {},
  extraFrames = 0,
  code = (random) => random,
  equalLengths = false,
}: Spoilt = {}): Promise<string> {
  const folder = join(work, String(folders++));
  await mkdir(join(folder, "audio"), { recursive: true });
  const rng = seeded(1);
  const sets: LabelSet[] = [];
  for (const [name, clips] of [
    ["train", 3],
    ["valid", 1],
  ] as const) {
    const lengths = Array.from({ length: clips }, (_, i) => 24_000 * (equalLengths ? 2 : i + 2));
    const manifest: Manifest = {
      root: join(folder, "audio"),
      sampleRateHz: 24_000,
      clips: lengths.map((samples, i) => ({ path: `${name}${i}.wav`, samples })),
    };
    for (const { path } of manifest.clips) await writeFile(join(manifest.root, path), "");
    await writeManifests(folder, [{ name, manifest }]);
    const own = {
      ...{ teacher: "a teacher", teacherHash: "abc", codebooks: 2, codebookSize: 16, rateHz: 75, sampleRateHz: 24_000 },
      manifestHash: manifestHash(manifest),
      ...stamp,
      ...(name === "valid" && validStamp),
    };
    const frames = (clip: number) => (lengths[clip]! / 24_000) * 75 + (clip === 1 ? extraFrames : 0);
    const set: LabelSet = {
      stamp: own,
      clips,
      frames,
      read: (_, __, count) => Int32Array.from({ length: own.codebooks * count }, () => code(Math.floor(rng() * 16))),
    };
    sets.push(set);
    await writeLabels(folder, name, "codec", set, ["text"]);
  }
  await writeDictionaries(folder, "codec", countCodes(sets));
  return folder;
}

const edit = async (folder: string, name: string, change: (text: string) => string) =>
  writeFile(join(folder, name), change(await readFile(join(folder, name), "utf8")));

test("a valid set passes, and what was checked is listed", async () => {
  const { problems, looked } = await preflightFolder(await folderOf());
  expect(problems).toEqual([]);
  expect(looked).toEqual([
    "train.codec, text: 2 codebooks, 675 frames, by a teacher",
    "valid.codec, text: 2 codebooks, 150 frames, by a teacher",
    "all 4 clips, for recordings that occur in two splits",
  ]);
});

const spoilt: [(typeof checks)[number], string, () => Promise<string>, string][] = [
  [
    "codebook",
    "a codebook whose file is missing",
    async () => {
      const folder = await folderOf();
      await rm(join(folder, "valid.codec_1"));
      return folder;
    },
    "valid.codec_1 is missing: the stamp names 2 codebooks",
  ],
  [
    "codebook",
    "the last codebook without a stamp, known by the dictionary",
    async () => {
      const folder = await folderOf();
      for (const file of ["train.codec.json", "valid.codec.json", "train.codec_1", "valid.codec_1"]) await rm(join(folder, file));
      return folder;
    },
    "train.codec_1 is missing: other files name it",
  ],
  [
    "codebook",
    "two equal codebooks",
    async () => {
      const folder = await folderOf();
      await copyFile(join(folder, "train.codec_0"), join(folder, "train.codec_1"));
      return folder;
    },
    "train.codec_1 holds the same codes as train.codec_0",
  ],
  [
    "dictionary",
    "an empty dictionary",
    async () => {
      const folder = await folderOf();
      await writeFile(join(folder, "dict.codec_1.txt"), "");
      return folder;
    },
    "dict.codec_1.txt is empty: every label would count as unknown",
  ],
  [
    "dictionary",
    "a missing dictionary",
    async () => {
      const folder = await folderOf();
      await rm(join(folder, "dict.codec_0.txt"));
      return folder;
    },
    "dict.codec_0.txt is missing",
  ],
  [
    "dictionary",
    "a dictionary without the unused codes",
    async () => {
      const folder = await folderOf({ code: (random) => random % 15 });
      await edit(folder, "dict.codec_0.txt", (text) => text.replace("15 0\n", ""));
      return folder;
    },
    "dict.codec_0.txt lists 15 codes, the teacher has 16",
  ],
  [
    "unknown codes",
    "codes that no dictionary lists",
    async () => {
      const folder = await folderOf();
      await edit(folder, "train.codec_0", (text) => text.replace(/\d+\n$/, "99\n"));
      return folder;
    },
    "train.codec_0 holds 1 codes that no dictionary lists, such as 99 in line 3",
  ],
  [
    "line count",
    "fewer lines than clips",
    async () => {
      const folder = await folderOf();
      await edit(folder, "train.codec_1", (text) => text.split("\n").slice(1).join("\n"));
      return folder;
    },
    "train.codec_1 has 2 lines, train.tsv 3 clips",
  ],
  [
    "length",
    "labels of another length than the sound",
    () => folderOf({ extraFrames: 8 }),
    "1 of 3 clips have labels of another length: train1.wav lasts 3.00 s, its 233 labels 3.11 s",
  ],
  [
    "rate",
    "a rate that the lengths contradict",
    () => folderOf({ stamp: { rateHz: 50 } }),
    "train.codec_0 should have 50 frames a second, but has 75.0",
  ],
  [
    "rate",
    "labels of audio at another sample rate",
    () => folderOf({ stamp: { sampleRateHz: 16_000 } }),
    "was made at 16000 Hz, train.tsv counts at 24000 Hz",
  ],
  ["one token", "one token for almost everything", () => folderOf({ code: () => 7 }), "100.0 % of train.codec_0 is the code 7"],
  [
    "teacher",
    "splits that were labelled by different teachers",
    () => folderOf({ validStamp: { teacher: "another", teacherHash: "def" } }),
    "valid.codec was made by another (def), train.codec by a teacher (abc)",
  ],
  [
    "manifest",
    "clips that changed places in the manifest",
    async () => {
      const folder = await folderOf({ equalLengths: true });
      await edit(folder, "train.tsv", (text) => text.replace("train0", "train9").replace("train1", "train0").replace("train9", "train1"));
      return folder;
    },
    "train.codec was made for other clips, or another order of clips",
  ],
  [
    "manifest",
    "a manifest that was changed since",
    async () => {
      const folder = await folderOf();
      await edit(folder, "train.tsv", (text) => text.replace("train0", "train9"));
      await writeFile(join(folder, "audio/train9.wav"), "");
      return folder;
    },
    "train.codec was made for other clips, or another order of clips, than train.tsv lists now",
  ],
];

describe("refused:", () => {
  test.each(spoilt)("(%s) %s", async (check, label, spoil, message) => {
    const folder = await spoil();
    const { problems } = await preflightFolder(folder, label.includes("without a stamp") ? { rateHz: 75 } : {});
    expect(problems.map((problem) => problem.check)).toContain(check);
    expect(problems.map((problem) => problem.message).join("\n")).toContain(message);
    expect(new Set(problems.map((problem) => problem.check)).size).toBe(1); // no other check reports it too
  });

  test("every check has a case here", () => {
    expect(new Set(spoilt.map(([check]) => check))).toEqual(new Set(checks));
  });

  test("clips that are not where the manifest says", async () => {
    const folder = await folderOf();
    await rm(join(folder, "audio"), { recursive: true });
    const { problems } = await preflightFolder(folder);
    expect(problems.map(({ message }) => message)[0]).toMatch(/3 of 3 checked clips of train\.tsv don't exist/);
  });

  test("99 % may be one token, not more", async () => {
    let count = 0;
    const share = (percent: number) => () => (count++ % 100 < percent ? 3 : 4);
    expect((await preflightFolder(await folderOf({ code: share(98) }))).problems).toEqual([]);
    const tokens = (await preflightFolder(await folderOf({ code: () => (count++ % 1000 < 5 ? 1 : 3) }))).problems;
    expect(new Set(tokens.map(({ check }) => check))).toEqual(new Set(["one token"]));
  });

  test("another rate or number of codebooks than training expects", async () => {
    const folder = await folderOf();
    const { problems } = await preflightFolder(folder, { rateHz: 50, codebooks: 8 });
    const text = problems.map(({ message }) => message).join("\n");
    expect(text).toContain("train.codec has 75 frames a second; training expects 50");
    expect(text).toContain("train.codec has 2 codebooks; training expects 8");
  });

  test("in one error, for programs about to train", async () => {
    const folder = await folderOf({ code: () => 7 });
    await expect(requirePreflight(folder)).rejects.toThrow(/is not fit for training:\n {2}100\.0 % of train\.codec_0/);
    await requirePreflight(await folderOf());
  });
});

test("sets that were made elsewhere are judged by the rate that is given", async () => {
  const folder = await folderOf();
  for (const name of ["train", "valid"]) await rm(join(folder, `${name}.codec.json`));
  expect((await preflightFolder(folder)).problems[0]!.message).toContain("has no stamp with its frames a second. Give them: --label-rate");
  expect((await preflightFolder(folder, { rateHz: 75 })).problems).toEqual([]);
  expect((await preflightFolder(folder, { rateHz: 50 })).problems[0]!.message).toContain("should have 50 frames a second, but has 75.0");
});

test("a corpus that was moved passes, and so does a stamp of an earlier version while the root is the same", async () => {
  const folder = await folderOf();
  await rename(join(folder, "audio"), join(folder, "moved"));
  for (const name of ["train", "valid"]) await edit(folder, `${name}.tsv`, (text) => text.replace(/^.*/, join(folder, "moved")));
  expect((await preflightFolder(folder)).problems).toEqual([]);
  for (const name of ["train", "valid"]) {
    const text = await readFile(join(folder, `${name}.tsv`), "utf8");
    const earlier = createHash("sha256").update(text).digest("hex"); // earlier versions hashed the root too
    await edit(folder, `${name}.codec.json`, (stamp) => JSON.stringify({ ...JSON.parse(stamp), manifestHash: earlier }));
  }
  expect((await preflightFolder(folder)).problems).toEqual([]);
});

test("a last codebook that only one split has is missing from the other, with neither stamp nor dictionary to name it", async () => {
  const folder = await folderOf();
  for (const file of ["train.codec.json", "valid.codec.json", "valid.codec_1", "dict.codec_1.txt"]) await rm(join(folder, file));
  const { problems } = await preflightFolder(folder, { rateHz: 75 });
  expect(problems.map(({ message }) => message).join("\n")).toContain("valid.codec_1 is missing: other splits have it");
});

test("labels may lie in another folder than their manifests", async () => {
  const folder = await folderOf();
  const labels = join(folder, "apart");
  await mkdir(labels);
  for (const file of await readdir(folder)) if (/codec/.test(file)) await rename(join(folder, file), join(labels, file));
  await expect(preflightFolder(folder)).rejects.toThrow("holds no labels for train.tsv");
  const { problems, looked } = await preflightFolder(folder, { labelFolder: labels });
  expect(problems).toEqual([]);
  expect(looked[0]).toContain("train.codec, text: 2 codebooks");
});

describe("a recording in train and valid is found:", () => {
  /** Manifests of one clip each, with the files' true lengths. */
  async function folderWith(train: Uint8Array, valid: Uint8Array, extension: string): Promise<string> {
    const folder = join(work, String(folders++));
    await mkdir(folder);
    const manifests = [];
    for (const [name, bytes, file] of [
      ["train", train, "a.flac"],
      ["valid", valid, `b.${extension}`],
    ] as const) {
      await writeFile(join(folder, file), bytes);
      const { samples } = await loadAudio(join(folder, file), { sampleRateHz: 24_000 });
      manifests.push({ name, manifest: { root: folder, sampleRateHz: 24_000, clips: [{ path: file, samples: samples.length }] } });
    }
    await writeManifests(folder, manifests);
    return folder;
  }
  const leaksOf = async (folder: string, leaks?: "none") => (await preflightFolder(folder, { labels: false, leaks })).problems;

  test("equal bytes", async () => {
    const folder = await folderWith(fixtureBytes("music.flac"), fixtureBytes("music.flac"), "flac");
    const message = "1 clips of two splits have the same bytes, such as train: a.flac and valid: b.flac. Keep each recording in one split.";
    expect(await leaksOf(folder)).toEqual([{ check: "leak", message }]);
    expect(await leaksOf(folder, "none")).toEqual([]);
  });

  test.each(["mp3", "ogg", "opus"])("re-encoded as %s", async (extension) => {
    const folder = await folderWith(fixtureBytes("music.flac"), fixtureBytes(`music.${extension}`), extension);
    const [problem, ...others] = await leaksOf(folder);
    expect(others).toEqual([]);
    expect(problem!.message).toMatch(/^1 clips of two splits are the same recording in another encoding, such as .* \([0-9] % of finger/);
  });

  test("and different songs are not", async () => {
    const songs = [1, 2].map((seed) => encodeWav(shortSong({ seconds: 4, seed, sampleRateHz: 24_000 })));
    expect(await leaksOf(await folderWith(songs[0]!, songs[1]!, "wav"))).toEqual([]);
  });
});
