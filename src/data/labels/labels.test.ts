// Label sets: fairseq's text and the compact form say the same, each is read where it is asked, and what is wrong with one is said.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { seeded } from "../../base/random.ts";
import { openCompactLabels } from "./compact.ts";
import { countCodes } from "./facts.ts";
import type { LabelSet, LabelStamp } from "./label-set.ts";
import { convertLabels, findLabels, inspectLabels, openLabels, writeLabels } from "./sets.ts";
import { openTextLabels, writeDictionaries } from "./text.ts";

const work = await mkdtemp(join(tmpdir(), "ostinato-labels-"));
afterAll(() => rm(work, { recursive: true }));
let folders = 0;
async function folderOf(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(work, String(folders++));
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const stamp: LabelStamp = {
  teacher: "a test",
  teacherHash: "ab",
  codebooks: 3,
  codebookSize: 50,
  rateHz: 75,
  sampleRateHz: 24_000,
  manifestHash: "cd",
};

/** Clips of these lengths with random codes. */
function randomSet(lengths: readonly number[], own: Partial<LabelStamp> = {}, seed = 1): LabelSet {
  const rng = seeded(seed);
  const whole = { ...stamp, ...own };
  const codes = lengths.map((frames) =>
    Int32Array.from({ length: whole.codebooks * frames }, () => Math.floor(rng() * whole.codebookSize)),
  );
  return {
    stamp: whole,
    clips: lengths.length,
    frames: (clip) => lengths[clip]!,
    read: (clip, start, count) =>
      Int32Array.from({ length: whole.codebooks * count }, (_, i) => {
        return codes[clip]![Math.floor(i / count) * lengths[clip]! + start + (i % count)]!;
      }),
  };
}

const contents = async (folder: string) =>
  Object.fromEntries(
    await Promise.all((await readdir(folder)).sort().map(async (name) => [name, (await readFile(join(folder, name))).toString("hex")])),
  );

function expectSame(a: LabelSet, b: LabelSet): void {
  expect(a.clips).toBe(b.clips);
  for (let clip = 0; clip < b.clips; clip++) {
    const frames = b.frames(clip);
    expect(a.frames(clip)).toBe(frames);
    expect(a.read(clip, 0, frames)).toEqual(b.read(clip, 0, frames));
    if (frames > 4) expect(a.read(clip, 2, frames - 3)).toEqual(b.read(clip, 2, frames - 3));
  }
  expect(() => a.read(0, 1, b.frames(0))).toThrow(RangeError);
  expect(() => a.frames(b.clips)).toThrow(RangeError);
}

describe("both forms", () => {
  test("give every crop of every clip, and turn into each other to the byte", async () => {
    const set = randomSet([7, 1, 300, 0, 12]);
    const valid = randomSet([5], {}, 2);
    const folder = await folderOf();
    for (const [name, own] of [
      ["train", set],
      ["valid", valid],
    ] as const)
      await writeLabels(folder, name, "codec", own, ["text", "compact"]);
    await writeDictionaries(folder, "codec", countCodes([set, valid]));
    const text = await openTextLabels(folder, "train", "codec");
    const compact = openCompactLabels(folder, "train", "codec");
    expectSame(text, set);
    expectSame(compact, set);
    expect(text.stamp).toEqual(stamp);
    expect(compact.stamp).toEqual(stamp);
    text.close();
    compact.close();
    const before = await contents(folder);
    for (const name of ["train.codec.codes", "valid.codec.codes"]) await rm(join(folder, name));
    await convertLabels(folder, ["train", "valid"], "codec", "compact");
    for (const name of Object.keys(before).filter((each) => /_\d|json$/.test(each))) await rm(join(folder, name));
    expect((await readdir(folder)).sort()).toEqual(["train.codec.codes", "valid.codec.codes"]);
    await convertLabels(folder, ["train", "valid"], "codec", "text");
    expect(await contents(folder)).toEqual(before);
  });

  test("are found by name, the compact one first", async () => {
    const folder = await folderOf({ "train.tsv": "", "train.ltr.json": "" });
    await writeLabels(folder, "train", "codec", randomSet([3]), ["text", "compact"]);
    await writeLabels(folder, "train", "mfcc", randomSet([3], { codebooks: 1 }), ["text"]);
    await writeLabels(folder, "train_2_6", "mfcc", randomSet([3], { codebooks: 1 }), ["compact"]);
    expect(Object.fromEntries(await findLabels(folder, "train"))).toEqual({ codec: ["text", "compact"], mfcc: ["text"] });
    expect(Object.fromEntries(await findLabels(folder, "train_2_6"))).toEqual({ mfcc: ["compact"] });
    await expect(openLabels(folder, "train")).rejects.toThrow("holds several sets of labels for train: codec, mfcc. Name one.");
    await expect(openLabels(folder, "train", "km")).rejects.toThrow("holds no labels km for train (it holds codec, mfcc)");
    const found = await openLabels(folder, "train", "encodec");
    expect(found.label).toBe("codec");
    found.close();
  });

  test("show how often each code comes", async () => {
    const set = randomSet([40, 3]);
    const folder = await folderOf();
    await writeLabels(folder, "train", "codec", set, ["text", "compact"]);
    await writeDictionaries(folder, "codec", countCodes([set]));
    const facts = await inspectLabels(folder, "train", "codec");
    expect(facts.map(({ form }) => form)).toEqual(["text", "compact"]);
    for (const { books } of facts) {
      expect(books.map(({ counts }) => Array.from(counts))).toEqual(countCodes([set]).map((counts) => Array.from(counts)));
      expect(books.map(({ unknown, lines }) => [unknown, lines])).toEqual([
        [0, 2],
        [0, 2],
        [0, 2],
      ]);
      expect(Array.from(books[2]!.frames)).toEqual([40, 3]);
    }
  });
});

test("fairseq's text is written as fairseq reads it, dictionaries with unused codes too", async () => {
  const folder = await folderOf();
  const set = {
    ...randomSet([2, 1], { codebooks: 2, codebookSize: 4 }),
    read: (clip: number) => Int32Array.from(clip ? [3, 0] : [0, 1, 3, 3]),
  };
  await writeLabels(folder, "train", "codec", set, ["text"]);
  await writeDictionaries(folder, "codec", [Float64Array.of(1, 1, 0, 1), Float64Array.of(1, 0, 0, 2)]);
  const text = async (name: string) => readFile(join(folder, name), "utf8");
  expect(await text("train.codec_0")).toBe("0 1\n3\n");
  expect(await text("train.codec_1")).toBe("3 3\n0\n");
  expect(await text("dict.codec_1.txt")).toBe("0 1\n1 0\n2 0\n3 2\n");
  const single = randomSet([2], { codebooks: 1 });
  await writeLabels(folder, "train", "km", single, ["text"]);
  expect(await readdir(folder)).toContain("train.km");
});

describe("text that was made elsewhere", () => {
  const given = { rateHz: 50, sampleRateHz: 16_000 };

  test("is read as it is: MERT's encodec names, line ends of Windows, no end of the last line, dictionaries in any order", async () => {
    const folder = await folderOf({
      "train.encodec_0": "7 9 7\r\n9 9\r\n",
      "train.encodec_1": "7 7 7\n9 7",
      "dict.encodec_0.txt": "9 100\n7 50\n",
      "dict.encodec_1.txt": "7 1\n9 1\n",
    });
    const set = await openLabels(folder, "train", "codec", given);
    expect(set.stamp).toMatchObject({ codebooks: 2, codebookSize: 2, rateHz: 50, teacher: "unknown" });
    expect(Array.from(set.read(0, 0, 3))).toEqual([1, 0, 1, 0, 0, 0]); // lines of the dictionary
    expect(Array.from(set.read(1, 1, 1))).toEqual([0, 0]);
    set.close();
    await expect(openLabels(folder, "train", "codec")).rejects.toThrow("so its rates must be given");
  });

  test("may be cut into pieces, even within a line", async () => {
    const folder = await folderOf({ "train.km.00": "1 2 3\n0 1", "train.km.01": "2\n2 2\n", "dict.km.txt": "0 1\n1 1\n2 1\n3 1\n12 1\n" });
    const set = await openLabels(folder, "train", "km", given);
    expect([set.clips, Array.from(set.read(1, 0, 2)), Array.from(set.read(2, 0, 2))]).toEqual([3, [0, 4], [2, 2]]);
    set.close();
  });

  test.each<[string, Record<string, string>, string]>([
    [
      "a missing codebook",
      { "train.codec_0": "0\n", "train.codec_2": "0\n", "dict.codec_0.txt": "0 1\n", "dict.codec_2.txt": "0 1\n" },
      "codec_1 is missing",
    ],
    ["a missing dictionary", { "train.codec_0": "0\n" }, "has no dict.codec_0.txt"],
    ["an empty dictionary", { "train.codec_0": "0\n", "dict.codec_0.txt": "\n" }, "is empty: every label would count as unknown"],
    [
      "an unknown code",
      { "train.codec_0": "0 1\n5 1\n", "dict.codec_0.txt": "0 1\n1 1\n" },
      "holds 1 codes that dict.codec_0.txt doesn't list, such as 5 in line 2",
    ],
    ["a word", { "train.codec_0": "0 x1\n", "dict.codec_0.txt": "0 1\n1 1\n" }, "such as a word in line 1"],
    [
      "too few lines",
      { "train.codec_0": "0\n0\n", "train.codec_1": "0\n", "dict.codec_0.txt": "0 1\n", "dict.codec_1.txt": "0 1\n" },
      "train.codec_1 has 1 lines, train.codec_0 has 2",
    ],
    [
      "a line of another length",
      { "train.codec_0": "0 0\n", "train.codec_1": "0\n", "dict.codec_0.txt": "0 1\n", "dict.codec_1.txt": "0 1\n" },
      "train.codec_1, line 1: 1 codes, but 2 in train.codec_0",
    ],
    ["a dictionary of words", { "train.codec_0": "0\n", "dict.codec_0.txt": "a 1\n" }, 'line 1: "a 1" is not a code with a count'],
  ])("is refused for %s", async (_, files, message) => {
    await expect(openTextLabels(await folderOf(files), "train", "codec", given)).rejects.toThrow(message);
  });
});

test("a compact file that was cut short, or is something else, is refused", async () => {
  const folder = await folderOf();
  await writeLabels(folder, "train", "codec", randomSet([10, 10]), ["compact"]);
  const path = join(folder, "train.codec.codes");
  const { size } = await stat(path);
  await truncate(path, size - 1);
  expect(() => openCompactLabels(folder, "train", "codec")).toThrow(`it has ${size - 1} bytes, its header implies ${size}`);
  await truncate(path, 30);
  expect(() => openCompactLabels(folder, "train", "codec")).toThrow("it is truncated");
  await writeFile(path, "something else altogether");
  expect(() => openCompactLabels(folder, "train", "codec")).toThrow("it doesn't begin with OSTCODES");
  expect(() => openCompactLabels(folder, "valid", "codec")).toThrow("There is no");
  await expect(writeLabels(folder, "train", "codec", randomSet([1], { codebookSize: 70_000 }), ["compact"])).rejects.toThrow(
    "codes up to 65535",
  );
});
