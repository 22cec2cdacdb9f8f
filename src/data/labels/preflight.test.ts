// Preflight: a sound set passes, and each way to spoil one is refused in its own words.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { seeded } from "../../base/random.ts";
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
}

/** Two splits of three and one clips, with labels in both forms. */
async function folderOf({ stamp = {}, validStamp = {}, extraFrames = 0, code = (random) => random }: Spoilt = {}): Promise<string> {
  const folder = join(work, String(folders++));
  await mkdir(join(folder, "audio"), { recursive: true });
  const rng = seeded(1);
  const sets: LabelSet[] = [];
  for (const [name, clips] of [
    ["train", 3],
    ["valid", 1],
  ] as const) {
    const lengths = Array.from({ length: clips }, (_, i) => 24_000 * (i + 2));
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

test("a sound set passes, and what was looked at is told", async () => {
  const { problems, looked } = await preflightFolder(await folderOf());
  expect(problems).toEqual([]);
  expect(looked).toEqual([
    "train.codec, text: 2 codebooks, 675 frames, by a teacher",
    "valid.codec, text: 2 codebooks, 150 frames, by a teacher",
  ]);
});

const spoilt: [(typeof checks)[number], string, () => Promise<string>, string][] = [
  [
    "codebook",
    "a codebook that is not there",
    async () => {
      const folder = await folderOf();
      await rm(join(folder, "valid.codec_1"));
      return folder;
    },
    "valid.codec_1 is missing, a codebook of 2",
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
    "a manifest that was changed since",
    async () => {
      const folder = await folderOf();
      await edit(folder, "train.tsv", (text) => text.replace("train0", "train9"));
      await writeFile(join(folder, "audio/train9.wav"), "");
      return folder;
    },
    "train.codec was made of another manifest than train.tsv as it is now",
  ],
];

describe("refused:", () => {
  test.each(spoilt)("(%s) %s", async (check, _, spoil, message) => {
    const { problems } = await preflightFolder(await spoil());
    expect(problems.map((problem) => problem.check)).toContain(check);
    expect(problems.map((problem) => problem.message).join("\n")).toContain(message);
    expect(new Set(problems.map((problem) => problem.check)).size).toBe(1); // no other check cries for the same reason
  });

  test("every check there is has been seen to refuse", () => {
    expect(new Set(spoilt.map(([check]) => check))).toEqual(new Set(checks));
  });

  test("clips that are not where the manifest says", async () => {
    const folder = await folderOf();
    await rm(join(folder, "audio"), { recursive: true });
    const { problems } = await preflightFolder(folder);
    expect(problems.map(({ message }) => message)[0]).toMatch(/3 of 3 clips of train\.tsv that were looked for are not there/);
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
    expect(text).toContain("train.codec has 75 frames a second; 50 are asked for");
    expect(text).toContain("train.codec has 2 codebooks; training expects 8");
  });

  test("in one error, for programs about to train", async () => {
    const folder = await folderOf({ code: () => 7 });
    await expect(requirePreflight(folder)).rejects.toThrow(/not fit for training:\n {2}100\.0 % of train\.codec_0/);
    await requirePreflight(await folderOf());
  });
});

test("sets that were made elsewhere are judged by the rate that is given", async () => {
  const folder = await folderOf();
  for (const name of ["train", "valid"]) await rm(join(folder, `${name}.codec.json`));
  expect((await preflightFolder(folder)).problems[0]!.message).toContain(
    "has no stamp that tells its frames a second. Give them: --label-rate",
  );
  expect((await preflightFolder(folder, { rateHz: 75 })).problems).toEqual([]);
  expect((await preflightFolder(folder, { rateHz: 50 })).problems[0]!.message).toContain("should have 50 frames a second, but has 75.0");
});
