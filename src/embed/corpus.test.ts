// Corpus runs: one at a time in a folder, the report, leftovers of killed runs, and a full disk.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixtureBytes } from "../../test/fixtures/audio.ts";
import { readOutputs } from "../../test/fixtures/killed-run.ts";
import { smallDisk } from "../../test/fixtures/small-disk.ts";
import { writeSong, writeTinyModel } from "../../test/fixtures/tiny-model.ts";
import { takeLock } from "../base/lock.node.ts";
import { type LoadedModel, loadModel } from "../inference/load.node.ts";
import { embedFiles } from "./embed-files.ts";
import type { EmbedFilesOptions } from "./options.ts";
import { OutputFullError } from "./out-folder.ts";
import type { FileResult } from "./report.ts";
import { storeFormats } from "./stores/index.ts";

let root: string;
let music: string;
let model: LoadedModel;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-corpus-"));
  music = join(root, "music");
  for (let i = 0; i < 6; i++) await writeSong(join(music, `${i}.wav`), { seed: i, seconds: 0.3 });
  model = await loadModel(await writeTinyModel(join(root, "model")), { threads: 1 });
});
afterAll(async () => {
  await model.dispose();
  await rm(root, { recursive: true });
});

const run = async (inputs: string[], options: EmbedFilesOptions): Promise<FileResult[]> => {
  const results: FileResult[] = [];
  for await (const result of embedFiles(model, inputs, options)) results.push(result);
  return results;
};
const records = async (out: string) =>
  (await readFile(join(out, "report.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("two runs never write to one folder at a time: the second is refused and told which run holds it", async () => {
  const out = join(root, "busy");
  const lock = await takeLock(join(out, ".ostinato.lock"), { staleMs: 200 });
  await expect(run([music], { out })).rejects.toThrow(`Another run (process ${process.pid}@`);
  await lock.release();
  expect(await run([music], { out })).toHaveLength(6);
});

test("temporary files of a killed run are removed, files of other programs are not", async () => {
  const out = join(root, "swept");
  await mkdir(out);
  const left = ["0.npy.0123abcd", "0.json.ffffffff", "embeddings-00000.parquet.00000000"].map((name) => `${name}.ostinato.tmp`);
  for (const name of [...left, "notes.tmp", "mine.npy.0123abcd.tmp"]) await writeFile(join(out, name), "half");
  await run([music], { out });
  expect((await readdir(out)).filter((name) => name.endsWith(".tmp")).sort()).toEqual(["mine.npy.0123abcd.tmp", "notes.tmp"]);
});

test("the report lists failures with reasons and repaired files, and counts the rest", async () => {
  const out = join(root, "reported");
  const bad = join(root, "bad");
  await mkdir(bad);
  await writeFile(join(bad, "empty.flac"), "");
  await writeFile(join(bad, "text.mp3"), "no sound\n");
  await writeFile(join(bad, "cut.flac"), fixtureBytes("music.flac").subarray(0, 60_000));
  const gone = join(bad, "gone.wav");
  await run([music, bad, gone], { out, pooling: "mean" });
  const [first, ...others] = await records(out);
  expect(first).toMatchObject({ record: "run", ending: "complete", files: 10, done: 7, skipped: 0, failed: 3, notBegun: 0 });
  expect(first).toMatchObject({ reasons: { empty: 1, "not-audio": 1, NotFoundError: 1 } });
  expect(others.map(({ record, file }) => [record, file])).toEqual([
    ["mended", join(bad, "cut.flac")],
    ["failed", join(bad, "empty.flac")],
    ["failed", join(bad, "text.mp3")],
    ["failed", gone],
  ]);
  expect(others[0]).toMatchObject({ output: join(out, "cut.npy"), mends: [expect.stringMatching(/^truncated after/)] });
  expect(others[1]).toMatchObject({ reason: "empty", error: expect.stringContaining("is empty (0 bytes)") as string });
  await run([music], { out, pooling: "mean" });
  expect(await records(out)).toMatchObject([{ files: 6, done: 0, skipped: 6, failed: 0, reasons: {} }]);
});

test.runIf(process.platform === "linux")("a file whose name is not UTF-8 is reported as such", async () => {
  const folder = join(root, "latin1");
  await mkdir(folder);
  await writeFile(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from(".wav")]), "");
  const [result] = await run([folder], { out: join(root, "latin1-out") });
  expect(result?.error?.message).toBe(`The name ${folder}/caf\ufffd.wav is not UTF-8, so the file can't be opened. Rename it.`);
});

test("a run that is abandoned early says so in its report and releases the folder", async () => {
  const out = join(root, "early");
  for await (const result of embedFiles(model, [music], { out })) if (result.status === "done") break;
  expect((await records(out))[0]).toMatchObject({ ending: "interrupted", files: 6, done: 1, notBegun: 5 });
  expect((await run([music], { out })).filter(({ status }) => status === "skipped").length).toBeGreaterThan(0);
});

test.each(storeFormats)("%s: a run whose output folder is removed fails, and does not make it anew", async (format) => {
  const out = join(root, `removed-${format}`);
  const attempt = async () => {
    for await (const { status } of embedFiles(model, [music], { out, format, partSeconds: 0 })) {
      expect(status).toBe("done");
      await rm(out, { recursive: true, force: true });
    }
  };
  await expect(attempt()).rejects.toMatchObject({ code: "OSTINATO_OUTPUT_REMOVED", message: expect.stringContaining(`${out}`) as string });
  expect(await stat(out).catch(() => undefined)).toBeUndefined();
});

test("a table that is removed or replaced while rows are appended to it is not taken as written", async () => {
  for (const then of ["gone", "other"]) {
    const out = join(root, `table-${then}`);
    const path = join(out, "embeddings.jsonl");
    const attempt = async () => {
      for await (const _ of embedFiles(model, [music], { out, format: "jsonl" })) {
        await rm(path, { force: true });
        if (then === "other") await writeFile(path, "");
      }
    };
    await expect(attempt()).rejects.toThrow(`${path} was ${then === "gone" ? "removed" : "replaced"} while it was being written to`);
  }
});

test("an incomplete parquet part is refused by name", async () => {
  const out = join(root, "foreign");
  await run([music], { out, format: "parquet", pooling: "mean" });
  const part = join(out, "embeddings-00000.parquet");
  await truncate(part, (await stat(part)).size - 9);
  await expect(run([music], { out, format: "parquet", pooling: "mean" })).rejects.toThrow(
    /embeddings-00000\.parquet is not a complete Parquet/,
  );
});

test("parquet writes a part every partSeconds", async () => {
  const out = join(root, "parts");
  await run([music], { out, format: "parquet", pooling: "mean", partSeconds: 0 });
  expect((await readdir(out)).filter((name) => name.endsWith(".parquet"))).toHaveLength(6);
  expect((await readOutputs(out, "parquet")).size).toBe(6);
});

const disk = smallDisk(192);
if (typeof disk !== "string") afterAll(disk.unmount);
describe.skipIf(typeof disk === "string")(`on a full disk${typeof disk === "string" ? ` (left out: ${disk})` : ""}`, () => {
  test.each(storeFormats)("%s ends with what to do, and goes on once there is room", async (format) => {
    const out = join((disk as { folder: string }).folder, format);
    const ballast = join((disk as { folder: string }).folder, "ballast");
    await writeFile(ballast, new Uint8Array(150_000));
    const attempt = run([music], { out, format, partSeconds: 0 });
    await expect(attempt).rejects.toThrow(OutputFullError);
    await expect(attempt).rejects.toThrow(/The disk of the output folder .* is full .*ENOSPC.*Make room and run the same command again/);
    await rm(ballast);
    await run([music], { out, format, partSeconds: 0 });
    expect((await readOutputs(out, format)).size).toBe(6);
    await rm(out, { recursive: true });
  });

  test("a disk too full even for a lock file is reported as full", async () => {
    const { folder } = disk as { folder: string };
    const out = join(folder, "none");
    await mkdir(out);
    await writeFile(join(folder, "ballast"), new Uint8Array(1_000_000)).catch(() => {});
    await expect(run([music], { out })).rejects.toThrow(OutputFullError);
    await rm(join(folder, "ballast"));
    expect(await readdir(out)).toEqual([]);
  });
});
