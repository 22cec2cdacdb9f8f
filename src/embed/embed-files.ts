// Embedding a corpus: workers decode ahead while the model computes. Each output is written whole or not at all, finished outputs are
// skipped, and a file that fails is reported while the others go on.
import { runAhead } from "../base/ahead.ts";
import { OutputRemovedError } from "../base/append-file.node.ts";
import { ConfigError, messageOf, NotFoundError, OstinatoError } from "../base/errors.ts";
import { diskIsFull, type Guard } from "../base/files.node.ts";
import { LockLostError } from "../base/lock.node.ts";
import { checkLength } from "../inference/encoder.ts";
import type { LoadedModel } from "../inference/load.node.ts";
import { type Settings, sameSource } from "../inference/provenance.ts";
import { takeAlike, waitingBatches } from "./alike.ts";
import { expandFiles, type NamedFile, nameOutputs } from "./audio-files.ts";
import { fileStamp, type LoadedClip, loadClip, runBudget, type SoundBudget } from "./clip.ts";
import { embedClips, longestHeld } from "./embed.ts";
import type { AudioBytes } from "./input.ts";
import { checkArguments, type EmbedFilesOptions, settingsOf } from "./options.ts";
import { claimOutFolder, outputError } from "./out-folder.ts";
import { beginReport, type Ending, type FileResult } from "./report.ts";
import { differenceInWords } from "./stored-settings.ts";
import { stores } from "./stores/index.ts";
import { OutputExistsError, type Store } from "./stores/store.ts";

/** A file of a corpus, with the name of its output: on disk, or bytes in memory. */
export type CorpusFile = NamedFile & { readonly audio?: AudioBytes };

/** The files of a corpus with the names of their outputs.
 *  @throws NotFoundError when files, folders and globs together hold no file. */
export async function planCorpus(inputs: readonly string[]): Promise<CorpusFile[]> {
  const files = await expandFiles(inputs);
  if (files.length === 0) {
    throw new NotFoundError(
      `There is no audio file in ${inputs.join(", ") || "an empty list"}. Folders are searched for wav, flac, mp3, ogg, opus, m4a and other audio, without hidden files. A file given by its own path is tried whatever its extension.`,
    );
  }
  return nameOutputs(files);
}

/** Embeds many files and yields one result each. Batches gather similar lengths, so results may come out of order. A report of the run is
 *  written to `out`/report.jsonl.
 *  @param inputs paths of files, folders and globs, or `CorpusFile`s that name their outputs.
 *  @throws ConfigError for wrong options, and for an output folder that can't be written to or that another run uses; NotFoundError when
 *  there is no file at all; OutputExistsError when the folder has outputs of other settings; OutputFullError when the disk is full. When `signal` aborts, files in progress are finished or left out, and
 *  the iteration ends. */
export async function* embedFiles(
  model: LoadedModel,
  inputs: readonly string[] | readonly CorpusFile[],
  options: EmbedFilesOptions,
): AsyncGenerator<FileResult> {
  checkArguments("embedFiles", model, options);
  const { out, signal } = options;
  if (out === undefined) throw new ConfigError("embedFiles needs the option out, the folder of the outputs.");
  const isPlanned = (list: typeof inputs): list is readonly CorpusFile[] => list.some((each) => typeof each === "object");
  const files = isPlanned(inputs) ? inputs : await planCorpus(inputs);
  const settings = await settingsOf(model, options);
  const claim = await claimOutFolder(out, files, signal);
  try {
    const report = await beginReport(out, { model: model.name, files: files.length });
    let ending: Ending = "interrupted";
    let failure: unknown;
    try {
      for await (const result of embedEach(model, files, settings, { ...options, guard: claim })) {
        report.add(result);
        yield result;
      }
      await claim.check();
      if (!signal?.aborted) ending = "complete";
    } catch (error) {
      ending = "error";
      failure = outputError(error, out);
      throw failure;
    } finally {
      if (!isLost(failure)) await report.write(ending, failure === undefined ? undefined : messageOf(failure));
    }
  } finally {
    await claim.release();
  }
}

/** Opens the store, decodes ahead, batches similar lengths, runs the model. */
async function* embedEach(
  model: LoadedModel,
  files: readonly CorpusFile[],
  settings: Settings,
  options: EmbedFilesOptions & { readonly guard: Guard },
): AsyncGenerator<FileResult> {
  const { batchSize = 1, lookAhead = 2, signal } = options;
  const store = await stores[options.format ?? "npy"](options.out, options);
  const work: Work = { model, settings, store, options, budget: runBudget(model.model.sampleRateHz) };
  try {
    const pool: Ready[] = [];
    const depth = batchSize === 1 ? 1 : waitingBatches * batchSize;
    const next = () => takeAlike(pool, batchSize, ({ clip }) => clip.samples);
    let opened = false;
    for await (const item of runAhead(files, lookAhead + batchSize - 1, (file) => prepare(work, file))) {
      if (signal?.aborted) break;
      if (!opened && "clip" in item) {
        await openEngine(work, item.clip);
        opened = true;
      }
      if ("status" in item) yield item;
      else if (!(item.clip.sound instanceof Float32Array)) yield* embedLong(work, item);
      else if (pool.push(item) >= depth) yield* embedBatch(work, next());
    }
    while (pool.length > 0 && !signal?.aborted) yield* embedBatch(work, next());
  } finally {
    await store.close();
  }
}

/** Computes the shortest clip, so that an engine that can't run is one error and not one for each file. */
async function openEngine({ model, settings }: Work, { sound }: LoadedClip): Promise<void> {
  const silence = new Float32Array(model.model.minimumSamples);
  if (sound instanceof Float32Array) await model.hiddenStates([silence], settings.layers);
  else for await (const _ of model.stream(silence, { layers: settings.layers })) break;
}

interface Work {
  readonly model: LoadedModel;
  readonly settings: Settings;
  readonly store: Store;
  readonly options: EmbedFilesOptions;
  /** For the sound of long files. */
  readonly budget: SoundBudget;
}

/** A file that is decoded and waits for the model. */
interface Ready {
  readonly file: CorpusFile;
  readonly clip: LoadedClip;
}

/** The output folder has outputs of other settings: the run ends, since every further file would fail as well. */
class OtherSettingsError extends OutputExistsError {
  override readonly name = "OutputExistsError";
}

/** Skips what is finished, decodes the rest. Rejects with OtherSettingsError only. */
async function prepare(work: Work, file: CorpusFile): Promise<Ready | FileResult> {
  const { model, settings, options, budget } = work;
  let clip: LoadedClip | undefined;
  try {
    options.signal?.throwIfAborted();
    if (!options.overwrite && (await isFinished(work, file))) return { file: file.file, status: "skipped" };
    clip = await loadClip(file.audio ?? file.file, model.model, {
      longestHeldSeconds: longestHeld(settings),
      budget,
      signal: options.signal,
    });
    checkLength(model.model, clip.samples);
    return { file, clip };
  } catch (error) {
    clip?.release();
    if (error instanceof OtherSettingsError) throw error;
    const misnamed = error instanceof NotFoundError && file.file.includes("\ufffd");
    return failed(
      file,
      misnamed ? new NotFoundError(`The name ${file.file} is not UTF-8, so the file can't be opened. Rename it.`) : error,
    );
  }
}

/** @throws OutputExistsError when the output is not what this run would write. */
async function isFinished({ store, settings, model }: Work, { file, name, audio }: CorpusFile): Promise<boolean> {
  const stored = await store.find(name);
  if (stored === undefined) return false;
  const advice = "Give --overwrite (overwrite: true) to replace it, or another output folder.";
  if (stored === "foreign") throw new OutputExistsError(`The output "${name}" exists and was not written by ostinato. ${advice}`);
  const difference = differenceInWords(stored, settings, model.name);
  if (difference !== undefined) throw new OtherSettingsError(`The output "${name}" was made with other settings: ${difference}. ${advice}`);
  // The decoder reports a missing file.
  const stamp = audio ? { bytes: audio.bytes.length } : await fileStamp(file).catch(() => undefined);
  if (stamp === undefined || sameSource(stored.source, stamp)) return stamp !== undefined;
  if (stored.source.file === file) return false; // the file has changed
  throw new OutputExistsError(`The output "${name}" holds the embedding of another file, ${stored.source.file}. ${advice}`);
}

/** One run of the model, then one result a file. When a batch fails as a whole, its files are tried one by one. */
async function* embedBatch(work: Work, batch: readonly Ready[]): AsyncGenerator<FileResult> {
  if (batch.length === 0) return;
  const { model, settings, store, options } = work;
  let streams: Awaited<ReturnType<typeof embedClips>>;
  try {
    streams = await embedClips(
      model,
      batch.map(({ clip }) => clip),
      settings,
      options,
    );
  } catch (error) {
    if (batch.length === 1) yield failed(batch[0]!.file, error);
    else for (const one of batch) yield* embedBatch(work, [one]);
    return;
  }
  for (const [i, { file, clip }] of batch.entries()) {
    const stream = streams[i]!;
    try {
      const output = await store.write(file.name, stream);
      const { shape, provenance } = stream;
      const frames = model.model.frameCount(clip.samples);
      yield { file: file.file, status: "done", output, shape, frames, seconds: clip.source.seconds, provenance };
    } catch (error) {
      if (options.signal?.aborted) return;
      if (diskIsFull(error) || isLost(error)) throw error;
      yield failed(file, error);
    }
  }
}

/** A long clip shares no batch, and what was kept of its sound is freed at once. */
async function* embedLong(work: Work, item: Ready): AsyncGenerator<FileResult> {
  try {
    yield* embedBatch(work, [item]);
  } finally {
    item.clip.release();
  }
}

/** The outputs are no longer this run's to write: they were removed, or another run took over. */
function isLost(error: unknown): boolean {
  return error instanceof OutputRemovedError || error instanceof LockLostError;
}

function failed({ file }: CorpusFile, error: unknown): FileResult {
  return { file, status: "failed", error: error instanceof Error ? error : new OstinatoError(messageOf(error)) };
}
