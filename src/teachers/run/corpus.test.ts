// Labelling a corpus with real teachers: what is written, what is left out, and that a run that was ended goes on to the same bytes.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { songBytes } from "../../../test/fixtures/damaged-recordings.ts";
import { folderContents } from "../../../test/fixtures/folder-contents.ts";
import { goldenPath } from "../../../test/fixtures/golden.ts";
import { writeTinyModel } from "../../../test/fixtures/tiny-model.ts";
import { loadAudio } from "../../audio/load.node.ts";
import { encodeWav } from "../../audio/wav.ts";
import { preflightFolder } from "../../data/labels/preflight-folder.ts";
import { openLabels } from "../../data/labels/sets.ts";
import { type NamedManifest, readManifests } from "../../data/manifest/files.ts";
import { prepareManifest } from "../../data/manifest/prepare.ts";
import { onnxEngine } from "../../engines/onnx/engine.node.ts";
import type { TeacherChoice } from "../choice.ts";
import { openTeacher } from "../open-teacher.ts";
import type { StampedTeacher } from "../teacher.ts";
import { labelBatches } from "./batches.ts";
import { type LabelCorpusOptions, labelCorpus } from "./corpus.ts";
import { labelSummary, unlabelled } from "./report.ts";

let work: string;
let manifests: NamedManifest[];
let codec: StampedTeacher;
const at = (...names: string[]) => join(work, ...names);
const open = (choice: TeacherChoice, trainTo = at("unused")) =>
  openTeacher(choice, {
    engine: onnxEngine({ threads: 1 }),
    sampleRateHz: 24_000,
    train: manifests.slice(0, 1).map(({ manifest }) => manifest),
    trainTo,
  });

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "ostinato-label-"));
  await mkdir(at("music"));
  for (let i = 0; i < 9; i++) await writeFile(at("music", `${i}.wav`), songBytes(i, 1 + ((i * 7) % 5) / 4, i % 2 ? 24_000 : 16_000));
  await prepareManifest(at("music"), { out: at("manifest"), valid: { list: ["3.wav", "7.wav"] }, minSeconds: 0.5 });
  manifests = await readManifests(at("manifest"));
  codec = await open({ kind: "codec", model: goldenPath("D_encodec/hf"), codebooks: 4 });
});
afterAll(async () => {
  await codec.teacher.dispose();
  await rm(work, { recursive: true });
});

const label = (out: string, more: Partial<LabelCorpusOptions> = {}, own = manifests) =>
  labelCorpus(own, codec, { label: "codec", out: at(out), batchSize: 2, ...more });

test("every clip has the codes its teacher gives, in both forms, and preflight finds nothing amiss", async () => {
  const seen: string[] = [];
  const report = await label("codec", { onClip: ({ path, status }) => seen.push(`${path} ${status}`) });
  expect(seen.sort()).toEqual(Array.from({ length: 9 }, (_, i) => `${i}.wav done`));
  expect(report.splits.train).toMatchObject({ clips: 7, labelled: 7, leftOut: {}, corrected: [] });
  expect((await readdir(at("codec"))).sort()).toEqual(
    [
      ...["train", "valid"].flatMap((name) =>
        [".codec_0", ".codec_1", ".codec_2", ".codec_3", ".codec.codes", ".codec.json", ".tsv"].map((end) => name + end),
      ),
      ...[0, 1, 2, 3].map((book) => `dict.codec_${book}.txt`),
      "manifest.json",
      "report.codec.json",
    ].sort(),
  );
  const labels = await openLabels(at("codec"), "train");
  const { clips, root } = manifests[0]!.manifest;
  for (const [clip, { path }] of clips.entries()) {
    const { samples } = await loadAudio(join(root, path), { sampleRateHz: 24_000 });
    const [alone] = await codec.teacher.encode([samples]);
    const codes = labels.read(clip, 0, labels.frames(clip));
    expect(codes.length).toBe(alone!.values.length);
    expect(codes.filter((code, i) => code === alone!.values[i]).length / codes.length).toBeGreaterThan(0.98); // batches round otherwise
  }
  labels.close();
  expect((await preflightFolder(at("codec"), { codebooks: 4, rateHz: codec.teacher.rateHz })).problems).toEqual([]);
  expect(labelSummary(report).join("\n")).toContain("train: 7 of 7 clips labelled");
});

test("a finished run is only read", async () => {
  const before = await folderContents(at("codec"));
  const seen: string[] = [];
  const never = { ...codec, teacher: { ...codec.teacher, encode: () => expect.unreachable() } };
  const report = await labelCorpus(manifests, never, { label: "codec", out: at("codec"), onClip: ({ status }) => seen.push(status) });
  expect(seen).toEqual(Array(9).fill("skipped"));
  expect(JSON.stringify(report)).toBe(JSON.stringify(JSON.parse(Buffer.from(before["/report.codec.json"]!, "base64").toString())));
  expect(await folderContents(at("codec"))).toEqual(before);
});

test("a finished set is given the form it lacks, without its teacher", async () => {
  await label("forms", { forms: ["text"] });
  const never = { ...codec, teacher: { ...codec.teacher, encode: () => expect.unreachable() } };
  const report = await labelCorpus(manifests, never, { label: "codec", out: at("forms"), forms: ["compact"] });
  expect(report.forms).toEqual(["text", "compact"]);
  expect(await folderContents(at("forms"))).toEqual(await folderContents(at("codec")));
});

test("a run that was ended after any batch goes on to the same bytes, and does no clip twice", async () => {
  const whole = await folderContents(at("codec"));
  for (const batches of [1, 3, 4]) {
    const out = `ended-${batches}`;
    const encoded: number[] = [];
    const counting = (limit: number): StampedTeacher => ({
      ...codec,
      teacher: {
        ...codec.teacher,
        encode(waveforms) {
          if (encoded.length >= limit) throw new Error("killed");
          encoded.push(waveforms.length);
          return codec.teacher.encode(waveforms);
        },
      },
    });
    const options = { label: "codec", out: at(out), batchSize: 2 };
    await expect(labelCorpus(manifests, counting(batches), options)).rejects.toThrow("killed");
    const half = (await readdir(at(out, "train.codec.partial"))).length;
    expect(half).toBe(2);
    const journal = at(out, "train.codec.partial/batches.jsonl");
    await writeFile(journal, `${await readFile(journal, "utf8")}{"batch":9`); // a line that was cut short
    await writeFile(at(out, "train.codec.partial/codes"), new Uint8Array(77), { flag: "a" }); // codes without their line
    await labelCorpus(manifests, counting(99), options);
    expect(encoded.reduce((sum, count) => sum + count, 0)).toBe(9);
    expect(await folderContents(at(out))).toEqual(whole);
  }
});

test("clips without usable sound are named and left out of the manifests beside the labels; lengths are those that were heard", async () => {
  await mkdir(at("mixed"));
  for (const name of ["0.wav", "1.wav", "2.wav"]) await copyFile(at("music", name), at("mixed", name));
  await writeFile(at("mixed/text.mp3"), "words");
  await writeFile(at("mixed/silent.wav"), encodeWav({ sampleRateHz: 24_000, channels: [new Float32Array(48_000)] }));
  const long = songBytes(1, 2);
  await writeFile(at("mixed/cut.wav"), long.subarray(0, 44 + 96_000));
  await mkdir(at("mixed-manifest"));
  const clips = [
    ["0.wav", 24_000],
    ["text.mp3", 9],
    ["silent.wav", 48_000],
    ["cut.wav", 48_000],
    ["gone.wav", 5],
    ["2.wav", 36_000],
  ] as const;
  await writeFile(at("mixed-manifest/train.tsv"), `${at("mixed")}\n${clips.map(([path, samples]) => `${path}\t${samples}\n`).join("")}`);
  const own = await readManifests(at("mixed-manifest"), "train", { sampleRateHz: 24_000 });
  const report = await label("mixed-out", {}, own);
  const { leftOut, corrected, mended, labelled } = report.splits.train!;
  expect(Object.fromEntries(Object.entries(leftOut).map(([reason, files]) => [reason, files.map(({ path }) => path)]))).toEqual({
    "not-audio": ["text.mp3"],
    silent: ["silent.wav"],
    missing: ["gone.wav"],
  });
  expect(labelled).toBe(3);
  expect(unlabelled(report)).toBe(2);
  expect(corrected.filter(({ path }) => path === "cut.wav")).toEqual([{ path: "cut.wav", from: 48_000, to: 24_000 }]);
  expect(mended).toEqual([{ path: "cut.wav", mends: ["truncated after 1 s: the header promises 2 s"] }]);
  const [kept] = await readManifests(at("mixed-out"), "train");
  expect(kept!.manifest.clips.map(({ path }) => path)).toEqual(["0.wav", "cut.wav", "2.wav"]);
  expect((await preflightFolder(at("mixed-out"))).problems).toEqual([]);
});

test("streams of several teachers share a folder, and labels of other clips are not mixed with them", async () => {
  const out = at("streams");
  for (const features of ["logmel", "chroma"] as const) {
    const choice: TeacherChoice = { kind: "kmeans", features, clusters: 6, starts: 1, maxPasses: 2 };
    const teacher = await open(choice, join(out, `${features}.codebook.safetensors`));
    await labelCorpus(manifests, teacher, { label: features, out });
    await teacher.teacher.dispose();
  }
  const { problems, looked } = await preflightFolder(out);
  expect(problems).toEqual([]);
  expect(looked.filter((line) => line.startsWith("train"))).toHaveLength(4);
  const fewer = manifests.map(({ name, manifest }) => ({ name, manifest: { ...manifest, clips: manifest.clips.slice(0, 1) } }));
  await expect(labelCorpus(fewer, codec, { label: "codec", out })).rejects.toThrow("holds labels of other clips (chroma, logmel)");
});

test("a quantiser is trained once, its file is then the teacher, and another's features are refused", async () => {
  const path = at("rvq.safetensors");
  const choice: TeacherChoice = { kind: "rvq", stages: 3, size: 8, starts: 1, maxPasses: 2 };
  const lines: string[] = [];
  const shared = { engine: onnxEngine({ threads: 1 }), sampleRateHz: 24_000, train: [manifests[0]!.manifest], trainTo: path };
  const trained = await openTeacher(choice, { ...shared, onTraining: (line) => lines.push(line) });
  expect(lines.filter((line) => line.startsWith("residual quantiser: stage"))).toHaveLength(3);
  expect(trained.teacher).toMatchObject({ codebooks: 3, codebookSize: 8, rateHz: 75, sampleRateHz: 24_000 });
  const report = await labelCorpus(manifests, trained, { label: "rvq", out: at("rvq") });
  await trained.teacher.dispose();
  const again = await openTeacher({ kind: "rvq", codebook: path }, { ...shared, trainTo: at("never") });
  expect([again.hash, again.teacher.name]).toEqual([report.teacherHash, report.teacher]);
  await again.teacher.dispose();
  await expect(openTeacher({ ...choice, stages: 4 }, shared)).rejects.toThrow(
    "holds a quantiser of 3 x 8, seed 0; asked for was 4 x 8, seed 0",
  );
  await expect(openTeacher({ kind: "rvq", codebook: path, features: "mfcc" }, shared)).rejects.toThrow(
    "The quantiser was trained on log-mel",
  );
});

test("a signal ends training at its next step", async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const training = openTeacher(
    { kind: "rvq", stages: 4, size: 8, starts: 1, maxPasses: 2 },
    {
      ...{ engine: "onnx", sampleRateHz: 24_000, train: [manifests[0]!.manifest], trainTo: at("stopped.safetensors"), signal: stop.signal },
      onTraining: (line) => lines.push(line) === 2 && stop.abort(new Error("enough")),
    },
  );
  await expect(training).rejects.toThrow("enough");
  expect(lines.at(-1)).toContain("stage 1 of 4");
});

test("a layer of a model is a teacher's frames, named by the weights' hash", async () => {
  const model = await writeTinyModel(at("model"));
  const choice: TeacherChoice = { kind: "kmeans", features: "layer", model, layer: 2, clusters: 5, starts: 1, maxPasses: 1 };
  const { teacher } = await open(choice, at("layer.safetensors"));
  expect(teacher.name).toMatch(/^k-means of 5 clusters on layer 2 of .*model \([0-9a-f]{12}\)$/);
  const [codes] = await teacher.encode([(await loadAudio(at("music/0.wav"), { sampleRateHz: 24_000 })).samples]);
  expect(codes!.frames).toBe(teacher.frameCount(24_000));
  await teacher.dispose();
  await expect(open({ kind: "kmeans", features: "layer" })).rejects.toThrow("need a model and a layer");
});

test("a manifest at another rate than the teacher's is refused", async () => {
  const other = manifests.map(({ name, manifest }) => ({ name, manifest: { ...manifest, sampleRateHz: 16_000 } }));
  await expect(label("rate", {}, other)).rejects.toThrow("count at 16000 Hz, but EnCodec, the first 4 of 8 codebooks takes 24000 Hz");
});

test("batches hold clips of similar lengths, bounded in seconds, and follow from the lengths alone", () => {
  const lengths = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1);
  const batches = labelBatches(lengths, { sampleRateHz: 1, batchSize: 8 });
  expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
  for (const batch of batches) {
    const own = batch.map((clip) => lengths[clip]!);
    expect(Math.max(...own) * own.length).toBeLessThanOrEqual(600);
    expect(Math.max(...own) - Math.min(...own)).toBeLessThan(8);
  }
  expect(labelBatches(lengths, { sampleRateHz: 1, batchSize: 8 })).toEqual(batches);
  expect(labelBatches([5000, 1], { sampleRateHz: 1, batchSize: 8 }).length).toBe(2);
});
