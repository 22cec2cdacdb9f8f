// Labelling in parts: every clip is in one part, and joining gives the labels of one run, or says which part is missing or of another teacher.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { songBytes } from "../../../test/fixtures/damaged-recordings.ts";
import { goldenPath } from "../../../test/fixtures/golden.ts";
import { preflightFolder } from "../../data/labels/preflight-folder.ts";
import { openLabels } from "../../data/labels/sets.ts";
import { readManifest } from "../../data/manifest/files.ts";
import { prepareManifest } from "../../data/manifest/prepare.ts";
import { onnxEngine } from "../../engines/onnx/engine.node.ts";
import { joinParts, parsePart, takePart } from "./parts.ts";
import { bytesText, defaultForms, hoursText, planLines } from "./plan.ts";
import { planLabelling, prepareLabels } from "./prepare.ts";

let work: string;
const at = (...names: string[]) => join(work, ...names);
const teacher = { kind: "codec", model: goldenPath("D_encodec/hf"), codebooks: 2 } as const;
const engine = onnxEngine({ threads: 1 });
const label = (out: string, part?: { index: number; count: number }, codebooks = 2) =>
  prepareLabels(at("manifest"), { out: at(out), teacher: { ...teacher, codebooks }, engine, part });

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "ostinato-parts-"));
  await mkdir(at("music"));
  for (let i = 0; i < 7; i++) await writeFile(at("music", `${i}.wav`), songBytes(i, 1 + (i % 3) / 2));
  await prepareManifest(at("music"), { out: at("manifest"), valid: { list: ["3.wav"] } });
});
afterAll(() => rm(work, { recursive: true }));

test("parts hold every clip once, in order and of about equal length", async () => {
  const manifest = await readManifest(at("manifest"), "train");
  const parts = [0, 1, 2].map((index) => takePart([{ name: "train", manifest }], { index, count: 3 }));
  expect(parts.flatMap(({ manifests }) => manifests[0]!.manifest.clips)).toEqual(manifest.clips);
  const lengths = parts.map(({ manifests }) => manifests[0]!.manifest.clips.reduce((sum, { samples }) => sum + samples, 0));
  expect(Math.max(...lengths)).toBeLessThan(1.7 * Math.min(...lengths));
});

test("joined parts are the labels of one run; a missing part and one of another teacher are named", async () => {
  await label("whole");
  for (const index of [0, 2]) await label("parts", { index, count: 3 });
  await expect(joinParts(at("parts"))).rejects.toThrow("Of 3 parts 1 are missing: 1/3. Label them, then join again.");
  await label("parts", { index: 1, count: 3 }, 1);
  await expect(joinParts(at("parts"))).rejects.toThrow("Label all parts with one teacher");
  await rm(at("parts/part-1-of-3"), { recursive: true });
  await label("parts", { index: 1, count: 3 });
  const report = await joinParts(at("parts"));
  expect(report.splits.train).toMatchObject({ clips: 6, labelled: 6, leftOut: {} });
  expect(report).toMatchObject({ label: "codec", codebooks: 2, forms: ["text", "compact"] });
  for (const name of ["train", "valid"]) {
    expect(await readFile(at("parts", `${name}.tsv`), "utf8")).toBe(await readFile(at("whole", `${name}.tsv`), "utf8"));
    const [joined, whole] = [await openLabels(at("parts"), name), await openLabels(at("whole"), name)];
    expect(joined.stamp).toEqual(whole.stamp);
    for (let clip = 0; clip < whole.clips; clip++) {
      const [a, b] = [joined, whole].map((set) => set.read(clip, 0, whole.frames(clip)));
      expect(a!.filter((code, i) => code === b![i]).length / a!.length).toBeGreaterThan(0.98); // batches of other clips round differently
    }
    joined.close();
    whole.close();
  }
  expect((await preflightFolder(at("parts"))).problems).toEqual([]);
});

test("a part trains no quantiser of its own", async () => {
  const kmeans = { kind: "kmeans", clusters: 4 } as const;
  const run = prepareLabels(at("manifest"), { out: at("untrained"), teacher: kmeans, engine, part: { index: 0, count: 2 } });
  await expect(run).rejects.toThrow("parts must share one quantiser. Train it first: the same command with --train-only");
});

test("parts are named by index and number, or by a cluster's environment", () => {
  expect(parsePart("2/8", {})).toEqual({ index: 2, count: 8 });
  const slurm = { SLURM_ARRAY_TASK_ID: "5", SLURM_ARRAY_TASK_COUNT: "4", SLURM_ARRAY_TASK_MIN: "3" };
  expect(parsePart("auto", slurm)).toEqual({ index: 2, count: 4 });
  expect(parsePart("auto/6", { JOB_COMPLETION_INDEX: "5" })).toEqual({ index: 5, count: 6 });
  expect(() => parsePart("8/8", {})).toThrow("parts count from 0, so eight parts are 0/8 to 7/8");
  expect(() => parsePart("half", {})).toThrow("There is no part half");
  expect(() => parsePart("auto", { JOB_COMPLETION_INDEX: "5" })).toThrow("--part auto/8");
});

test("a plan gives bytes and hours, and large sets are compact by default", async () => {
  const { plan, teacher: opened } = await planLabelling(at("manifest"), { out: at("planned"), teacher, engine });
  const report = JSON.parse(await readFile(at("whole/report.codec.json"), "utf8")) as { splits: Record<string, { frames: number }> };
  const frames = Object.values(report.splits).reduce((sum, split) => sum + split.frames, 0);
  expect(plan).toMatchObject({ clips: 7, frames, compactBytes: 2 * 2 * frames + 8 * 7 });
  expect(plan.workHours).toBeGreaterThan(0);
  await mkdir(at("one"));
  await writeFile(at("one/train.tsv"), `${at("music")}\n0.wav\t24000\n`);
  const single = await planLabelling(at("one"), { out: at("planned"), teacher, engine, sampleRateHz: 24_000 });
  expect(single.plan.audioSecondsPerSecond).toBeGreaterThan(0);
  expect(planLines(plan, opened)[0]).toContain("7 clips");
  const large = {
    clips: 1,
    hours: 160_000,
    frames: 4.32e10,
    compactBytes: 6.912e11,
    textBytes: 1.7e12,
    audioSecondsPerSecond: 58,
    workHours: 2759,
  };
  const lines = planLines(large, { name: "EnCodec", codebooks: 8, codebookSize: 1024 }, 10).join("\n");
  expect(lines).toContain("691 GB in compact form, 1.7 TB as text; by default the compact form alone is written");
  expect(lines).toContain("58.0 s of audio a second, so 115 days of work, 11.5 days for each of 10 parts");
  expect([defaultForms(1e9), defaultForms(1e9 + 1)]).toEqual([["text", "compact"], ["compact"]]);
  expect([bytesText(999), hoursText(0.2)]).toEqual(["999 bytes", "12 minutes"]);
});
