// Embedding many inputs: they are decoded ahead, clips of similar lengths are computed together, and results come in the order of the inputs.
import { runAhead } from "../base/ahead.ts";
import { ConfigError, messageOf, OstinatoError } from "../base/errors.ts";
import { shown } from "../base/shown.ts";
import type { LoadedModel } from "../inference/load.node.ts";
import type { Pooling } from "../inference/pooling.ts";
import type { Settings } from "../inference/provenance.ts";
import { waitingBatches } from "./alike.ts";
import { heldSeconds, type LoadedClip, loadClip, runBudget } from "./clip.ts";
import { embedClips, longestHeld } from "./embed.ts";
import { collect, type Embedding } from "./embedding.ts";
import type { AudioSource } from "./input.ts";
import { checkArguments, type EmbedManyOptions, settingsOf } from "./options.ts";

/** A decoded input that waits for the model. */
interface Ready {
  readonly index: number;
  readonly clip: LoadedClip;
}

type Outcome<P extends Pooling> = Embedding<P> | Error;

/** Embeds many inputs and yields the results in their order; `index` is the input's place. Inputs are read no further ahead than needed, so a
 *  list may be endless. `batchSize` clips of similar lengths are computed together (default 8), though never more than 30 s of audio at once.
 *  @throws as `embed` does, unless `onError` takes the failures. */
export async function* embedMany<P extends Pooling = "none">(
  model: LoadedModel,
  inputs: Iterable<AudioSource> | AsyncIterable<AudioSource>,
  options: EmbedManyOptions<P> = {},
): AsyncGenerator<Embedding<P> & { readonly index: number }> {
  checkArguments("embedMany", model, options);
  checkList(inputs);
  const { batchSize = 8, lookAhead = 2, signal, onError } = options;
  const settings = await settingsOf(model, options);
  const budget = runBudget(model.model.sampleRateHz);
  // Frames of all layers are large: only vectors wait for their turn.
  const held = settings.pooling === "none" || batchSize === 1 ? batchSize : waitingBatches * batchSize;
  const decode = async ({ index, input }: { index: number; input: AudioSource }): Promise<Ready | { index: number; error: Error }> => {
    try {
      signal?.throwIfAborted();
      return { index, clip: await loadClip(input, model.model, { longestHeldSeconds: longestHeld(settings), budget, signal }) };
    } catch (error) {
      return { index, error: asError(error) };
    }
  };
  let waiting: (Ready | { index: number; error: Error })[] = [];
  const flush = async function* () {
    const outcomes = new Map<number, Outcome<P>>();
    const ready = waiting.flatMap((item) => ("clip" in item ? [item] : []));
    for (const item of waiting) if ("error" in item) outcomes.set(item.index, item.error);
    for (const batch of batches(ready, batchSize, model.model.sampleRateHz)) {
      for (const [index, outcome] of await run<P>(model, batch, settings, options)) outcomes.set(index, outcome);
      for (const { clip } of batch) clip.release();
    }
    const order = waiting.map(({ index }) => index);
    waiting = [];
    for (const index of order) {
      const outcome = outcomes.get(index)!;
      if (!(outcome instanceof Error)) yield { ...outcome, index };
      else if (onError && !signal?.aborted) onError(outcome, index);
      else throw outcome;
    }
  };
  for await (const item of runAhead(numbered(inputs), lookAhead + batchSize - 1, decode)) {
    if (waiting.push(item) >= held) yield* flush();
  }
  yield* flush();
}

/** @throws ConfigError for one input instead of a list. */
function checkList(inputs: unknown): void {
  const single = typeof inputs === "string" || ArrayBuffer.isView(inputs) || inputs instanceof ReadableStream;
  const iterable = typeof inputs === "object" && inputs !== null && (Symbol.iterator in inputs || Symbol.asyncIterator in inputs);
  if (single || !iterable) throw new ConfigError(`The inputs of embedMany are ${shown(inputs)}. Give a list: embedMany(model, [input]).`);
}

async function* numbered(inputs: Iterable<AudioSource> | AsyncIterable<AudioSource>) {
  let index = 0;
  for await (const input of inputs) yield { index: index++, input };
}

/** Groups clips of similar lengths. A batch with its padding is not longer than the longest clip that is run whole. */
function batches(ready: readonly Ready[], batchSize: number, sampleRateHz: number): Ready[][] {
  const groups: Ready[][] = [];
  for (const item of [...ready].sort((a, b) => a.clip.samples - b.clip.samples)) {
    const last = groups.at(-1);
    const padded = item.clip.samples * ((last?.length ?? 0) + 1);
    if (last && last.length < batchSize && padded <= heldSeconds * sampleRateHz) last.push(item);
    else groups.push([item]);
  }
  return groups;
}

/** One outcome for each clip. When a batch fails as a whole, its clips are tried one by one. */
async function run<P extends Pooling>(
  model: LoadedModel,
  batch: readonly Ready[],
  settings: Settings,
  options: EmbedManyOptions<P>,
): Promise<[index: number, Outcome<P>][]> {
  try {
    options.signal?.throwIfAborted();
    const clips = batch.map(({ clip }) => clip);
    const streams = await embedClips(model, clips, settings, { ...options, batchSize: clips.length === 1 ? options.batchSize : 1 });
    const outcomes: [number, Outcome<P>][] = [];
    for (const [i, stream] of streams.entries()) outcomes.push([batch[i]!.index, (await collect(stream)) as Embedding<P>]);
    return outcomes;
  } catch (error) {
    if (batch.length === 1) return [[batch[0]!.index, asError(error)]];
    const outcomes: [number, Outcome<P>][] = [];
    for (const one of batch) outcomes.push(...(await run(model, [one], settings, options)));
    return outcomes;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new OstinatoError(messageOf(error));
}
