// Shard loader: batches from shards on disk or over http, read in long ranges and decoded in worker threads.
import { runAhead } from "../../base/ahead.ts";
import { chunkedSource } from "../../base/byte-source.ts";
import { AudioError, ConfigError, NotFoundError } from "../../base/errors.ts";
import { fileSource } from "../../base/files.node.ts";
import { type HttpSourceOptions, httpSource } from "../../base/http-source.ts";
import { recent } from "../../base/recent.ts";
import { roundHalfEven } from "../../base/rounding.ts";
import { type BadClip, type Batch, type BatchLabels, makeBatch } from "../batches/batch.ts";
import type { CropAnswer, CropRequest } from "../batches/crop-job.ts";
import { openCropReader } from "../batches/crop-reader.ts";
import { eventsHandled, type LoaderOptions, stopWith } from "../batches/loader.ts";
import { type PoolBatch, type PoolClip, type PoolPlan, planPool, planPools, type Segment, type ShardRules } from "./plan.ts";
import { indexShard, parseCard, parseIndex, type ShardCard, type ShardIndex } from "./shards.ts";

/** The shards of a split, opened. */
export interface ShardSet {
  readonly card: ShardCard;
  /** Headers of http requests. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Path or http address of a shard. */
  place(shard: number): string;
  /** The offsets of a shard's clips. */
  index(shard: number): Promise<ShardIndex>;
}

const requestBytes = 1 << 20;
const keptIndices = 256;

/** Opens the shards in a folder or below an http address.
 *  @throws NotFoundError when there are none, FormatError when their description is damaged. */
export async function openShards(
  folder: string,
  { split = "train", ...http }: { split?: string } & HttpSourceOptions = {},
): Promise<ShardSet> {
  const base = folder.replace(/\/+$/, "");
  const open = (name: string) => {
    const place = `${base}/${name}`;
    return /^https?:/.test(base) ? httpSource(place, http) : fileSource(place);
  };
  const textOf = async (name: string) => {
    const source = await open(name);
    const bytes = await source.read(0, source.size).finally(() => source.close());
    return new TextDecoder().decode(bytes);
  };
  const cardName = `${split}.shards.json`;
  const text = await textOf(cardName).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    throw new NotFoundError(`${base} holds no ${cardName}. Write shards: ostinato prepare shards <prepared folder> --out ${base}`);
  });
  const card = parseCard(text, `${base}/${cardName}`);
  const indices = recent<ShardIndex>({ kept: keptIndices });
  const readIndex = async (tar: string): Promise<ShardIndex> => {
    const name = tar.replace(/\.tar$/, ".json");
    try {
      return parseIndex(await textOf(name), `${base}/${name}`);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      const source = chunkedSource(await open(tar), requestBytes);
      return await indexShard(source).finally(() => source.close()); // the index file was lost: the shard's headers say the same
    }
  };
  return {
    card,
    headers: http.headers,
    place: (shard) => `${base}/${card.shards[shard]!.name}`,
    index: (shard) => {
      const { name } = card.shards[shard]!;
      return indices.use(
        name,
        () => readIndex(name),
        (index) => index,
      );
    },
  };
}

/** A pool whose crops were read. */
interface ReadPool {
  readonly number: number;
  readonly clips: readonly PoolClip[];
  readonly batches: readonly PoolBatch[];
  /** By clip of the pool; undefined for a clip that is in no batch. */
  readonly crops: readonly (CropAnswer | undefined)[];
}

/** A rank's batches from shards. Ranks take pools in turn, so each clip is read once in an epoch and all ranks get the same number of batches; a
 *  pool may span two epochs. `first` counts batches over all ranks, as in `loadBatches`: with the same number of ranks it resumes exactly, with
 *  another number within a pool of that position. Clips that can't be read are listed in `bad`. `ahead` counts pools here.
 *  @throws AudioError when no clip of a pool could be read. */
export async function* loadShardBatches(set: ShardSet, rules: ShardRules, options: LoaderOptions = {}): AsyncGenerator<Batch> {
  const { workers, ahead = 1, signal, first = 0, end = Number.POSITIVE_INFINITY, rank = 0, ranks = 1 } = options;
  const { sampleRateHz, labels, shards } = set.card;
  if (!(rank >= 0 && rank < ranks)) throw new ConfigError(`There is no rank ${rank} of ${ranks}: ranks count from 0 to ${ranks - 1}.`);
  const plan = planPools(
    shards.map(({ clips }) => clips),
    rules,
  );
  const reader = openCropReader({ sampleRateHz, workers, headers: set.headers });
  const stop = stopWith(signal);
  const labelRange = (start: number, samples: number) => {
    const ratio = (labels?.rateHz ?? 0) / sampleRateHz;
    return { start: roundHalfEven(start * ratio), count: roundHalfEven(samples * ratio) };
  };

  const readPool = async (number: number): Promise<ReadPool> => {
    const segments = plan.pool(number);
    const clips = await poolClips(set, segments);
    const batches = planPool(clips.flat(), number, plan, rules);
    const crops = new Map(batches.flatMap(({ rows, samples, starts }) => rows.map((row, i) => [row, { samples, start: starts[i]! }])));
    let row = 0;
    const reads = clips.map((run, i) => {
      const file = set.place(segments[i]!.shard);
      const requests = run.map((clip): CropRequest | undefined => {
        const crop = crops.get(row++);
        const name = `${clip.path} in ${file}`;
        return (
          crop && {
            file,
            at: clip.audio,
            name,
            ...crop,
            ...(clip.labels && { labels: { ...clip.labels, ...labelRange(crop.start, crop.samples) } }),
          }
        );
      });
      return readRun(requests, (some) => reader.read(some, stop.signal));
    });
    return { number, clips: clips.flat(), batches, crops: (await Promise.all(reads)).flat() };
  };

  const step = Math.floor(first / ranks);
  const pools = runAhead(poolNumbers(Math.floor(step / plan.poolBatches), rank, ranks), ahead, (number) =>
    readPool(number).then(
      (pool) => ({ pool }),
      (error: unknown) => ({ error }),
    ),
  );
  try {
    for (let at = step; ; ) {
      const { value: result, done } = await pools.next();
      if (done) return;
      if ("error" in result) throw result.error;
      for (let i = at % plan.poolBatches; i < plan.poolBatches; i++, at++) {
        if (at * ranks + rank >= end) return;
        const number = at * ranks + rank;
        await eventsHandled();
        yield { ...assemble(result.pool, i, { sampleRateHz, rateHz: labels?.rateHz, plan }), number };
      }
    }
  } finally {
    stop.abort(new AudioError("The loader was closed."));
    await pools.return(undefined);
    await reader.close();
  }
}

function* poolNumbers(first: number, rank: number, ranks: number): Generator<number> {
  for (let turn = first; ; turn++) yield turn * ranks + rank;
}

/** The clips of each segment, from the shards' indices. */
function poolClips(set: ShardSet, segments: readonly Segment[]): Promise<PoolClip[][]> {
  return Promise.all(
    segments.map(async ({ shard, from, to, epoch }) => (await set.index(shard)).clips.slice(from, to).map((clip) => ({ ...clip, epoch }))),
  );
}

/** Reads the requested clips of a segment in one job. */
async function readRun(
  requests: readonly (CropRequest | undefined)[],
  read: (some: readonly CropRequest[]) => Promise<CropAnswer[]>,
): Promise<(CropAnswer | undefined)[]> {
  const answers = await read(requests.filter((request) => request !== undefined));
  let next = 0;
  return requests.map((request) => (request === undefined ? undefined : answers[next++]));
}

/** Batch `wanted` of a pool; where none of its clips could be read, the next batch of the pool that has a readable clip. */
function assemble(pool: ReadPool, wanted: number, about: { sampleRateHz: number; rateHz: number | undefined; plan: PoolPlan }): Batch {
  const bad: BadClip[] = [];
  for (let skipped = 0; skipped < pool.batches.length; skipped++) {
    const { rows, samples, starts } = pool.batches[(wanted + skipped) % pool.batches.length]!;
    const clips = rows.map((row) => pool.clips[row]!);
    const crops = rows.map((row) => pool.crops[row]!);
    const planned = {
      number: 0,
      epoch: about.plan.epochOf(pool.number, wanted),
      samples,
      clips: clips.map(({ clip }) => clip),
      starts,
    };
    const pathOf = (clip: number) => clips.find((one) => one.clip === clip)!.path;
    const batch = makeBatch({ planned, crops, pathOf, sampleRateHz: about.sampleRateHz, labels: labelsOf(crops, about.rateHz) });
    bad.push(...batch.bad);
    if ("waveforms" in batch) return { ...batch, bad };
  }
  throw new AudioError(`None of the ${bad.length} clips of a pool could be read; the first: ${bad[0]?.reason}`);
}

function labelsOf(crops: readonly CropAnswer[], rateHz: number | undefined): BatchLabels | undefined {
  if (rateHz === undefined) return undefined;
  const rows = crops.map((crop) => ("samples" in crop ? crop.labels : undefined));
  const codebooks = rows.find((labels) => labels !== undefined)?.codebooks ?? 0;
  return {
    codebooks,
    rateHz,
    frames: (row) => rows[row]?.frames ?? 0,
    read(row, start, count) {
      const { codes, start: from } = rows[row]!;
      const held = codes.length / codebooks;
      const out = new Int32Array(codebooks * count);
      for (let k = 0; k < codebooks; k++) {
        const at = k * held + start - from;
        out.set(codes.subarray(at, at + count), k * count);
      }
      return out;
    },
  };
}
