// Embedding: from audio to a model's hidden states, pooled, with their provenance.
import { ostinatoVersion } from "../base/version.ts";
import { dtypeCost } from "../inference/dtype-cost.ts";
import { checkLength, type LayerChoice } from "../inference/encoder.ts";
import type { LoadedModel } from "../inference/load.node.ts";
import type { FrameRun } from "../inference/long.ts";
import type { Pooling } from "../inference/pooling.ts";
import { type Provenance, resamplerName, type Settings } from "../inference/provenance.ts";
import { planWindows, type WindowOptions, windowFor } from "../inference/window.ts";
import { heldSeconds, type LoadedClip, loadClip } from "./clip.ts";
import { windowDeviation, windowing } from "./deviation.ts";
import { collect, type Embedding, type EmbeddingStream } from "./embedding.ts";
import type { AudioSource } from "./input.ts";
import { checkBatch, checkWindow } from "./memory.ts";
import { checkArguments, type EmbedOptions, settingsOf } from "./options.ts";
import { pooledShape, poolPieces } from "./pool.ts";
import { recommendedLayers } from "./recommend.ts";

/** The embedding of one clip. The type of `shape` follows the pooling.
 *  @param audio a path, a file URL, the bytes of a file, or mono samples of any rate.
 *  @throws AudioError for audio that can't be decoded or is too short, TooLongError where memory does not suffice, ConfigError for a wrong
 *  argument. */
export async function embed<P extends Pooling = "none">(
  model: LoadedModel,
  audio: AudioSource,
  options: EmbedOptions<P> = {},
): Promise<Embedding<P>> {
  checkArguments("embed", model, options);
  const settings = await settingsOf(model, options);
  const clip = await loadClip(audio, model.model, { longestHeldSeconds: longestHeld(settings), signal: options.signal });
  const [stream] = await embedClips(model, [clip], settings, options);
  return (await collect(stream!)) as Embedding<P>;
}

/** One vector for a clip, [width], of Euclidean length 1: what similarity, clustering and search start from. It is the time mean of the layer
 *  that the registry recommends, or of the mean over all layers for a model that nobody measured; the model's `onNotice` says which. `layers`
 *  chooses others, whose mean is taken. @throws as `embed` does. */
export async function vector(
  model: LoadedModel,
  audio: AudioSource,
  options: Pick<EmbedOptions, "layers" | "windowSeconds" | "overlapSeconds" | "batchSize" | "signal"> = {},
): Promise<Float32Array> {
  checkArguments("vector", model, options);
  const { layers = "recommended" } = options;
  if (layers === "recommended" && !informed.has(model)) {
    informed.add(model);
    model.onNotice(recommendedLayers(model).reason);
  }
  return (await embed(model, audio, { ...options, layers, pooling: "weighted", l2: true })).values;
}

/** Models whose user knows which layers `vector` takes. */
const informed = new WeakSet<LoadedModel>();

/** The hidden states of a clip of any length, a run of frames at a time, in order: the values of `embed` without pooling, in bounded memory.
 *  @throws as `embed` does. */
export async function* embedFrames(
  model: LoadedModel,
  audio: AudioSource,
  options: Pick<EmbedOptions, "windowSeconds" | "overlapSeconds" | "batchSize" | "signal"> & { readonly layers?: LayerChoice } = {},
): AsyncGenerator<FrameRun> {
  checkArguments("embedFrames", model, options);
  const clip = await loadClip(audio, model.model, { longestHeldSeconds: 0, signal: options.signal });
  yield* model.stream(clip.sound, options);
}

/** Clips longer than this are decoded while they run, never as a whole: neither those that are long nor those that exceed the window. */
export function longestHeld({ windowSeconds = heldSeconds }: Pick<Settings, "windowSeconds">): number {
  return Math.min(windowSeconds, heldSeconds);
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
    shape: pooledShape({ pooling, average }, sizes),
    layers,
    provenance: provenanceOf(model, clip, settings, window),
    chunks: poolPieces(pieces, sizes, { pooling, l2, average }),
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
