import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { codeOf, sampleOf, testCorpus } from "../../../test/fixtures/position-coded-crops.ts";
import { roundHalfEven } from "../../base/rounding.ts";
import type { Batch } from "../batches/batch.ts";
import type { LoaderOptions } from "../batches/loader.ts";
import { loadShardBatches, openShards, type ShardSet } from "./loader.ts";
import { planPools, type ShardRules } from "./plan.ts";
import { writeShards } from "./writer.ts";

const lengths = Array.from({ length: 40 }, (_, clip) => 8000 + 500 * (clip % 7));
const corpus = testCorpus(lengths);
corpus.spoil(3, "no sound at all\n");
rmSync(join(corpus.root, "17.wav"));
const work = mkdtempSync(join(tmpdir(), "ostinato-shards-"));
afterAll(() => {
  corpus.remove();
  rmSync(work, { recursive: true, force: true });
});
const out = join(work, "shards");
const write = (folder = out, more = {}) =>
  writeShards({ manifest: corpus.manifest, labels: corpus.labels, out: folder, split: "train", shardBytes: 250_000, ...more });
const { card, bad } = await write();
const rules: ShardRules = { batchSamples: 24_000, maxSamples: 8000, segmentClips: 2, poolBatches: 3, seed: 5 };

async function take(set: ShardSet, count: number, options: LoaderOptions = {}): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loadShardBatches(set, rules, { workers: 2, ...options })) {
    batches.push(batch);
    if (batches.length === count) break;
  }
  return batches;
}

/** The files of a folder over HTTP with ranges; `seen` lists what was asked for. */
async function serve(folder: string) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? "/").slice(1);
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
    seen.push(`${name} ${request.headers.authorization ?? ""}`);
    const bytes = readdirSync(folder).includes(name) ? readFileSync(join(folder, name)) : undefined;
    if (bytes === undefined) return void response.writeHead(404).end();
    const part = bytes.subarray(Number(from), Number(to) + 1);
    response.writeHead(206, { "Content-Range": `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}` }).end(part);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close };
}

describe("writing shards", () => {
  test("keeps to the size, holds each recording once as it came, and names one that is not there", () => {
    expect(bad).toMatchObject([{ clip: 17, path: "17.wav", reason: expect.stringContaining("no such file") }]);
    expect(card.shards.length).toBeGreaterThan(4);
    const found: string[] = [];
    for (const { name, bytes } of card.shards) {
      expect(statSync(join(out, name)).size).toBe(bytes);
      expect(bytes).toBeLessThanOrEqual(250_000);
      found.push(
        ...execFileSync("tar", ["-tf", join(out, name)], { encoding: "utf8" })
          .trim()
          .split("\n"),
      );
    }
    expect(found.length).toBe(3 * 39);
    const first = card.shards[0]!.name;
    const member = found.find((name) => name.endsWith(".wav"))!;
    const sound = execFileSync("tar", ["-xOf", join(out, first), member], { maxBuffer: 2 ** 24 });
    expect(sound.equals(readFileSync(join(corpus.root, `${Number(member.slice(0, 8))}.wav`)))).toBe(true);
  });

  test("mixes the manifest's order, gives the same bytes again, and other orders for other seeds", async () => {
    const clips = async (folder: string) => (await (await openShards(folder)).index(0)).clips.map(({ clip }) => clip);
    const order = await clips(out);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
    await write(join(work, "again"));
    await write(join(work, "other"), { seed: 1 });
    expect(readFileSync(join(work, "again", card.shards[0]!.name)).equals(readFileSync(join(out, card.shards[0]!.name)))).toBe(true);
    expect(await clips(join(work, "other"))).not.toEqual(order);
  });

  test("keeps finished shards, and writes a truncated one again", async () => {
    const folder = join(work, "stopped");
    await write(folder);
    const [first, second] = [join(folder, card.shards[0]!.name), join(folder, card.shards[1]!.name)];
    utimesSync(first, 1, 1);
    truncateSync(second, 1000);
    const seen: boolean[] = [];
    await write(folder, { onShard: (shard: { skipped: boolean }) => seen.push(shard.skipped) });
    expect(seen).toEqual(card.shards.map((_, i) => i !== 1));
    expect([statSync(first).mtimeMs, statSync(second).size]).toEqual([1000, card.shards[1]!.bytes]);
    await expect(write(folder, { seed: 9 })).rejects.toThrow("holds other clips");
  });

  test("refuses labels of another manifest", async () => {
    await expect(write(join(work, "none"), { labels: { ...corpus.labels, clips: 39 } })).rejects.toThrow("The labels are of 39 clips");
    const swapped = { ...corpus.labels, stamp: { ...corpus.labels.stamp, manifestHash: "0".repeat(64) } };
    await expect(write(join(work, "none"), { labels: swapped })).rejects.toThrow("made for other clips, or another order of clips");
  });
});

describe("a pool plan", () => {
  test("reads every clip once an epoch, in pools of one size, and any pool at once", () => {
    const counts = [10, 3, 7, 1];
    const plan = planPools(counts, { ...rules, segmentClips: 4 });
    expect(plan).toMatchObject({ batchClips: 3, poolBatches: 3, clips: 21 });
    const seen = new Map<string, number>();
    for (let pool = 0; pool < 7; pool++) {
      const segments = plan.pool(pool);
      expect(segments.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(9);
      expect(planPools(counts, { ...rules, segmentClips: 4 }).pool(pool)).toEqual(segments);
      for (const { epoch, shard, from, to } of segments) {
        for (let clip = from; clip < to; clip++) {
          const key = `${epoch} ${shard} ${clip}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }
    }
    expect([seen.size, ...new Set(seen.values())]).toEqual([63, 1]); // three epochs of 21
  });

  test("reads segments in another order each epoch", () => {
    const plan = planPools([9], { ...rules, segmentClips: 1 });
    expect(plan.pool(0).map(({ from }) => from)).not.toEqual(plan.pool(1).map(({ from }) => from));
  });

  test("refuses a crop larger than a batch", () => {
    expect(() => planPools([9], { ...rules, batchSamples: 100 })).toThrow("does not fit a batch of 100");
  });
});

describe("loading from shards", () => {
  test("a batch's epoch is that of its position, also in pools that span several epochs", async () => {
    const set = await openShards(out);
    const clips = set.card.shards.reduce((sum, shard) => sum + shard.clips, 0);
    const options = { workers: 1, end: 32 };
    const epochs: number[] = [];
    for await (const batch of loadShardBatches(set, { ...rules, poolBatches: 32 }, options)) epochs.push(batch.epoch);
    expect(epochs).toEqual(Array.from({ length: 32 }, (_, number) => Math.floor((3 * number) / clips)));
    expect(epochs.at(-1)).toBe(2); // one pool holds all of these batches
  });

  test("gives crops to the sample with the labels of their place, and names the bad one", async () => {
    const batches = await take(await openShards(out), 15); // five pools, 45 clips: an epoch and a little
    for (const { waveforms, samples, clips, starts, labels, frames, codebooks } of batches) {
      expect([samples, codebooks, labels.length]).toEqual([8000, 2, 2 * clips.length * frames]);
      for (const [row, clip] of clips.entries()) {
        const start = starts[row]!;
        expect(waveforms[row * samples]).toBe(sampleOf(clip, start));
        expect(waveforms[(row + 1) * samples - 1]).toBe(sampleOf(clip, start + samples - 1));
        for (const k of [0, 1]) {
          const codes = labels.subarray((k * clips.length + row) * frames).subarray(0, frames);
          expect(codes).toEqual(Int32Array.from({ length: frames }, (_, t) => codeOf(clip, k, roundHalfEven(start / 160) + t)));
        }
      }
    }
    const seen = new Set(batches.flatMap((batch) => [...batch.clips, ...batch.bad.map(({ clip }) => clip)]));
    expect(seen.size).toBe(39);
    const [named] = batches.flatMap((batch) => batch.bad);
    expect(named).toMatchObject({ clip: 3, path: "3.wav", reason: expect.stringContaining("is text, not audio") });
  });

  test("goes on at any batch as if it had never stopped", async () => {
    const set = await openShards(out);
    const all = await take(set, 15);
    for (const first of [1, 3, 8, 13]) expect(await take(set, 2, { first })).toEqual(all.slice(first, first + 2));
  });

  test("ranks take pools in turn, as many batches each, and resume", async () => {
    const set = await openShards(out);
    const one = await take(set, 12);
    const ranks = await Promise.all([0, 1].map((rank) => take(set, 6, { rank, ranks: 2 })));
    const same = ({ number: _, ...batch }: Batch) => batch;
    for (const [i, batch] of one.entries()) {
      const pool = Math.floor(i / 3);
      expect(same(ranks[pool % 2]![3 * Math.floor(pool / 2) + (i % 3)]!)).toEqual(same(batch));
    }
    expect(await take(set, 2, { rank: 1, ranks: 2, first: 8 })).toEqual(ranks[1]!.slice(4));
    const numbers = ranks.flat().map((batch) => batch.number);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  test("reads the same from an address, with the headers it was given, and from shards that lost their index", async () => {
    const local = await take(await openShards(out), 4);
    const bare = join(work, "bare");
    await write(bare);
    for (const name of readdirSync(bare)) if (/\d\.json$/.test(name)) rmSync(join(bare, name));
    const server = await serve(bare);
    try {
      const set = await openShards(`${server.url}/`, { headers: { authorization: "Bearer x" } });
      expect(await take(set, 4)).toEqual(
        local.map((batch) => ({ ...batch, bad: batch.bad.map((one) => ({ ...one, reason: expect.any(String) })) })),
      );
      expect(server.seen.every((line) => line.endsWith("Bearer x"))).toBe(true);
      expect(server.seen.some((line) => line.startsWith(card.shards[0]!.name))).toBe(true);
    } finally {
      server.close();
    }
  });

  test("a shard that was cut short loses its own clips alone, each named", async () => {
    const folder = join(work, "cut");
    await write(folder);
    truncateSync(join(folder, card.shards[2]!.name), 60_000);
    const bad = (await take(await openShards(folder), 13)).flatMap((batch) => batch.bad).filter(({ clip }) => clip !== 3);
    expect(bad.length).toBeGreaterThan(2);
    expect(bad.length).toBeLessThanOrEqual(card.shards[2]!.clips);
    for (const { reason } of bad) expect(reason).toMatch(/train-00002\.tar ends at byte 60000.*cut short/);
  });

  test("says what to do where there are no shards", async () => {
    await expect(openShards(work)).rejects.toThrow("holds no train.shards.json. Write shards: ostinato prepare shards");
  });
});
