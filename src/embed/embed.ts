// Embedding: from audio to a model's hidden states, pooled, with their provenance.
import { ConfigError } from "../base/errors.ts";
import { ostinatoVersion } from "../base/version.node.ts";
import { dtypeCost } from "../inference/dtype-cost.ts";
import { checkLength, chosenLayers, type LayerChoice } from "../inference/encoder.ts";
import type { LoadedModel } from "../inference/load.node.ts";
import type { FrameRun } from "../inference/long.ts";
import type { LayerAverage, Pooling } from "../inference/pooling.ts";
import { type Provenance, resamplerName, type Settings } from "../inference/provenance.ts";
import { planWindows, type WindowOptions, windowFor } from "../inference/window.ts";
import { type AudioSource, heldSeconds, type LoadedClip, loadClip } from "./clip.ts";
import { windowDeviation, windowing } from "./deviation.ts";
import { collect, type Embedding, type EmbeddingStream } from "./embedding.ts";
import { checkBatch, checkWindow } from "./memory.ts";
import { layerAverage, pooledShape, poolPieces } from "./pool.ts";

/** Which hidden states are returned, how they are pooled, and how clips are run. */
export interface EmbedOptions {
  /** Default "all": layers + 1 hidden states. Layers above the highest chosen one are not computed. */
  readonly layers?: LayerChoice | undefined;
  /** Default "none": every frame of every chosen layer. */
  readonly pooling?: Pooling | undefined;
  /** For pooling "weighted": learned weights, one for each chosen layer; default: equal weights. */
  readonly weights?: LayerAverage | undefined;
  /** Scale each vector to Euclidean length 1. */
  readonly l2?: boolean | undefined;
  /** Length of the window that attention sees at once. By default clips up to two minutes are one window, longer ones are cut into windows of
   *  30 s with 5 s of overlap. */
  readonly windowSeconds?: number | undefined;
  readonly overlapSeconds?: number | undefined;
  /** How many windows (or, in a corpus, clips of similar lengths) are computed together; default 1. */
  readonly batchSize?: number | undefined;
  /** Stops the work between windows; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The embedding of one clip.
 *  @param audio a path, the bytes of a file, or mono samples of any rate.
 *  @throws AudioError for audio that can't be decoded or is too short, TooLongError where memory does not suffice, ConfigError for a wrong
 *  option. */
export async function embed(model: LoadedModel, audio: AudioSource, options: EmbedOptions = {}): Promise<Embedding> {
  const settings = await settingsOf(model, options);
  const clip = await loadClip(audio, model.model, { longestHeldSeconds: longestHeld(settings), signal: options.signal });
  const [stream] = await embedClips(model, [clip], settings, options);
  return collect(stream!);
}

/** The hidden states of a clip of any length, a run of frames at a time, in order: the values of `embed` without pooling, in bounded memory.
 *  @throws as `embed` does. */
export async function* embedFrames(
  model: LoadedModel,
  audio: AudioSource,
  options: Pick<EmbedOptions, "layers" | "windowSeconds" | "overlapSeconds" | "batchSize" | "signal"> = {},
): AsyncGenerator<FrameRun> {
  const clip = await loadClip(audio, model.model, { longestHeldSeconds: 0, signal: options.signal });
  yield* model.stream(clip.sound, options);
}

/** Clips longer than this are decoded while they run, never as a whole: neither those that are long nor those that exceed the window. */
export function longestHeld({ windowSeconds = heldSeconds }: Pick<Settings, "windowSeconds">): number {
  return Math.min(windowSeconds, heldSeconds);
}

/** The options, checked, as the settings that provenance records. @throws ConfigError for a wrong option. */
export async function settingsOf(model: LoadedModel, options: EmbedOptions): Promise<Settings> {
  const { pooling = "none", windowSeconds, overlapSeconds } = options;
  const layers = chosenLayers(options.layers ?? "all", model.model.layers);
  if (windowSeconds === undefined && overlapSeconds !== undefined) throw new ConfigError("overlap is given without a window: give both.");
  if (options.weights && pooling !== "weighted") throw new ConfigError(`weights go with pooling "weighted", not with "${pooling}".`);
  const window = windowSeconds === undefined ? undefined : { windowSeconds, overlapSeconds: overlapSeconds ?? 0 };
  if (window) planWindows(model.model, model.model.minimumSamples, window); // refuses a wrong window before any file is decoded
  return {
    weightsSha256: await model.weightsSha256(),
    layers,
    pooling,
    ...(pooling === "weighted" && { average: layerAverage(options.weights, layers.length) }),
    l2: options.l2 ?? false,
    inputNormalisation: model.inputNormalisation,
    padding: model.options.padding,
    dtype: model.dtype,
    ...(window ?? {}),
  };
}

/** Embeds clips that share a batch. Short clips are computed here, together. Long clips and those in windows are computed while their stream
 *  is read. Read or drop the streams before the next call. */
export async function embedClips(
  model: LoadedModel,
  clips: readonly LoadedClip[],
  settings: Settings,
  run: Pick<EmbedOptions, "batchSize" | "signal"> = {},
): Promise<EmbeddingStream[]> {
  for (const { samples } of clips) checkLength(model.model, samples);
  const short = clips.flatMap(({ sound }) => (sound instanceof Float32Array ? [sound] : []));
  checkBatch(model.model, short, settings.layers.length);
  const computed = (await model.hiddenStates(short, settings.layers)).map((states): FrameRun => ({ ...states, firstFrame: 0 }));
  return clips.map((clip) => {
    if (clip.sound instanceof Float32Array) return streamOf(model, clip, single(computed.shift()!), settings);
    const window = windowOf(model, clip, settings);
    const seen = Math.min(clip.samples, Math.round(window.windowSeconds * model.model.sampleRateHz));
    checkWindow(model.model, seen, run.batchSize ?? 1, settings.layers.length);
    const frames = model.stream(clip.sound, { ...run, ...window, layers: settings.layers });
    return streamOf(model, clip, frames, settings, window);
  });
}

/** The window of a clip: the one in the settings, else by the clip's length. */
function windowOf({ model }: LoadedModel, clip: LoadedClip, { windowSeconds, overlapSeconds }: Settings): WindowOptions {
  return windowSeconds === undefined ? windowFor(model, clip.samples) : { windowSeconds, overlapSeconds };
}

function streamOf(
  model: LoadedModel,
  clip: LoadedClip,
  pieces: AsyncIterable<FrameRun>,
  settings: Settings,
  window?: WindowOptions,
): EmbeddingStream {
  const { layers, pooling, l2, average } = settings;
  const sizes = { layers: layers.length, frames: model.model.frameCount(clip.samples), width: model.model.width };
  return {
    shape: pooledShape(pooling, sizes),
    layers,
    provenance: provenanceOf(model, clip, settings, window),
    chunks: poolPieces(pieces, sizes, { pooling, l2, average: layerAverage(average, layers.length) }),
  };
}

async function* single(piece: FrameRun): AsyncGenerator<FrameRun> {
  yield piece;
}

function provenanceOf(model: LoadedModel, { source, samples }: LoadedClip, settings: Settings, window?: WindowOptions): Provenance {
  const { sampleRateHz, hopSamples } = model.model;
  const windows = window && windowing(planWindows(model.model, samples, window).length, window);
  return {
    ostinato: ostinatoVersion,
    created: new Date().toISOString(),
    source,
    model: {
      name: model.name,
      ...(model.revision !== undefined && { revision: model.revision }),
      family: model.architecture.family,
      sampleRateHz,
      frameRateHz: sampleRateHz / hopSamples,
      ...(model.licence && { licence: model.licence }),
    },
    engine: { name: model.engine, version: model.engineVersion },
    ...(source.sampleRateHz !== sampleRateHz && { resampler: resamplerName }),
    settings,
    ...(windows && { windows }),
    deviations: [dtypeCost(model.dtype), windows && windowDeviation(windows)].filter((deviation) => deviation !== undefined),
  };
}
