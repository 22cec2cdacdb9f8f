import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ostinato } from "../../test/cli/run.ts";
import { codeOf, testCorpus } from "../../test/fixtures/position-coded-crops.ts";
import { writeLabels } from "../data/labels/sets.ts";
import { manifestHash, writeManifests } from "../data/manifest/files.ts";
import { loadShardBatches, openShards } from "../data/shards/loader.ts";

const corpus = testCorpus(Array.from({ length: 9 }, (_, clip) => 8000 + 160 * clip));
const work = await mkdtemp(join(tmpdir(), "ostinato-prepare-shards-"));
afterAll(async () => {
  corpus.remove();
  await rm(work, { recursive: true, force: true });
});
const [prepared, out] = [join(work, "prepared"), join(work, "shards")];
await writeManifests(prepared, [{ name: "train", manifest: corpus.manifest }]);
await writeLabels(prepared, "train", "codec", corpus.labels, ["compact"]);

test("prepare shards packs recordings with their labels, which load, and does nothing twice", async () => {
  const first = await ostinato(["prepare", "shards", prepared, "--out", out, "--shard-size", "120KB", "--json"]);
  expect(first.stderr).toContain("train: 9 clips in 3 shards, with labels codec.");
  expect(first.code).toBe(0);
  const lines = first.stdout.trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { status: string }).status)).toEqual(["done", "done", "done"]);
  expect((await readdir(out)).sort().slice(-3)).toEqual(["train-00002.json", "train-00002.tar", "train.shards.json"]);
  const set = await openShards(out);
  for await (const batch of loadShardBatches(
    set,
    { batchSamples: 16_000, maxSamples: 4000, poolBatches: 2, seed: 1 },
    { workers: 1, end: 2 },
  )) {
    const [clip, start] = [batch.clips[0]!, batch.starts[0]!];
    expect(batch.bad).toEqual([]);
    expect(Math.abs(batch.labels[0]! - codeOf(clip, 0, start / 160))).toBeLessThanOrEqual(0.5);
  }
  const second = await ostinato(["prepare", "shards", prepared, "--out", out, "--shard-size", "120KB", "--json"]);
  expect(second.stdout).toBe(first.stdout.replaceAll('"done"', '"skipped"'));
});

test("a corpus that is unfit for training is refused before anything is packed", async () => {
  const lost = { ...corpus.manifest, clips: [{ path: "gone.wav", samples: 8000 }, ...corpus.manifest.clips] };
  const folder = join(work, "lost");
  await writeManifests(folder, [{ name: "valid", manifest: lost }]);
  const rest = join(work, "rest");
  const missing = await ostinato(["prepare", "shards", folder, "--out", rest]);
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("1 of 10 checked clips of valid.tsv don't exist")]);
  const moved = join(work, "moved");
  await writeManifests(moved, [{ name: "train", manifest: { ...corpus.manifest, root: join(work, "nowhere") } }]);
  expect((await ostinato(["prepare", "shards", moved, "--out", rest])).stderr).toContain("Correct the root in the first line of train.tsv");
  const swapped = join(work, "swapped");
  const stamp = { ...corpus.labels.stamp, manifestHash: manifestHash(corpus.manifest) };
  await writeLabels(swapped, "train", "codec", { ...corpus.labels, stamp }, ["compact"]);
  const [a, b, ...others] = corpus.manifest.clips;
  await writeManifests(swapped, [{ name: "train", manifest: { ...corpus.manifest, clips: [b!, a!, ...others] } }]);
  expect((await ostinato(["prepare", "shards", swapped, "--out", rest])).stderr).toContain(
    "another order of clips, than train.tsv lists now",
  );
  await expect(readdir(rest)).rejects.toThrow("ENOENT");
});

test("manifests without manifest.json and labels in another folder are packed with --sample-rate and --label-dir", async () => {
  const [manifests, labels] = [join(work, "bare"), join(work, "labels")];
  await writeManifests(manifests, [{ name: "train", manifest: corpus.manifest }]);
  await rm(join(manifests, "manifest.json"));
  await writeLabels(labels, "train", "codec", corpus.labels, ["compact"]);
  const args = ["prepare", "shards", manifests, "--out", join(work, "apart"), "--label-dir", labels];
  expect((await ostinato(args)).stderr).toContain("Give it: --sample-rate 24000");
  const packed = await ostinato([...args, "--sample-rate", "8000"]);
  expect([packed.code, packed.stderr]).toEqual([0, expect.stringContaining("train: 9 clips in 1 shard, with labels codec.")]);
});

test("impossible sizes and folders are refused", async () => {
  const wrong = await ostinato(["prepare", "shards", prepared, "--out", out, "--shard-size", "big"]);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("Allowed are sizes such as 1GB")]);
  expect((await ostinato(["prepare", "shards", join(work, "nowhere"), "--out", out])).stderr).toContain("There is no folder");
});
