// Embedding: from a file or samples to the hidden states a model gives for it, pooled as asked, with their provenance.
import { ConfigError } from "../base/errors.ts";
import { checkLength, chosenLayers, type LayerChoice } from "../inference/encoder.ts";
import { normalise } from "../inference/input-normalisation.ts";
import type { LoadedModel } from "../inference/load.node.ts";
import type { LayerAverage } from "../inference/pooling.ts";
import { type AudioSource, type Clip, loadClip } from "./clip.node.ts";
import { collect, type Embedding, type EmbeddingStream } from "./embedding.ts";
import { checkMemory } from "./memory.node.ts";
import { layerAverage, type Piece, type Pooling, pooledShape, poolPieces } from "./pool.ts";
import { type Provenance, resamplerName, type Settings } from "./provenance.ts";
import { ostinatoVersion } from "./versions.node.ts";
import { planWindows, type Window, windowDeviation } from "./window.ts";

export interface EmbedOptions {
  /** Default "all": layers + 1 hidden states. Only what the highest chosen layer needs is run. */
  readonly layers?: LayerChoice | undefined;
  /** Default "none": every frame of every chosen layer. */
  readonly pooling?: Pooling | undefined;
  /** For pooling "weighted": learned weights, one a chosen layer; by default all layers count the same. */
  readonly weights?: LayerAverage | undefined;
  /** Scale each vector to Euclidean length 1. */
  readonly l2?: boolean | undefined;
  /** Run long clips in windows of this length; by default they are run whole. */
  readonly windowSeconds?: number | undefined;
  readonly overlapSeconds?: number | undefined;
  /** How many windows (or, in a corpus, clips of similar lengths) share a run; default 1. */
  readonly batchSize?: number | undefined;
  /** Ends the work between windows; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The embedding of one clip.
 *  @param audio a path, the bytes of a file, or mono samples of any rate.
 *  @throws AudioError for what can't be decoded or is too short, TooLongError for what memory can't hold, ConfigError for a wrong option. */
export async function embed(model: LoadedModel, audio: AudioSource, options: EmbedOptions = {}): Promise<Embedding> {
  const settings = await settingsOf(model, options);
  const clip = await loadClip(audio, model.model.sampleRateHz, options.signal);
  const [stream] = await embedClips(model, [clip], settings, options);
  return collect(stream!);
}

/** Options as the settings that provenance records. @throws ConfigError for a wrong option. */
export async function settingsOf(model: LoadedModel, options: EmbedOptions): Promise<Settings> {
  const { pooling = "none", windowSeconds, overlapSeconds } = options;
  const layers = chosenLayers(options.layers ?? "all", model.model.layers);
  if (windowSeconds === undefined && overlapSeconds !== undefined) throw new ConfigError("overlap is given without a window: give both.");
  if (options.weights && pooling !== "weighted") throw new ConfigError(`weights go with pooling "weighted", not with "${pooling}".`);
  const window = windowSeconds === undefined ? undefined : { windowSeconds, overlapSeconds: overlapSeconds ?? 0 };
  if (window) planWindows(model.model, model.model.minimumSamples, window); // refuses a wrong window before any file is read
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

/** Embeds clips that share a batch. The streams are to be read, or left alone, before the next call.
 *  Clips that are run whole are computed here; of those in windows only the plan is made, and reading the stream runs them. */
export async function embedClips(
  model: LoadedModel,
  clips: readonly Clip[],
  settings: Settings,
  run: Pick<EmbedOptions, "batchSize" | "signal"> = {},
): Promise<EmbeddingStream[]> {
  for (const { samples } of clips) checkLength(model.model, samples.length);
  const plans = clips.map(({ samples }) => planOf(model, samples.length, settings));
  const whole = clips.filter((_, i) => plans[i]!.length === 1).map(({ samples }) => samples);
  const longest = whole.reduce((most, samples) => Math.max(most, samples.length), 0);
  checkMemory(model.model, longest * whole.length, settings.layers.length);
  const computed = (await model.hiddenStates(whole, settings.layers)).map((states): Piece => ({ ...states, firstFrame: 0 }));
  return clips.map((clip, i) => {
    const windows = plans[i]!;
    const pieces = windows.length === 1 ? single(computed.shift()!) : windowPieces(model, clip.samples, windows, settings, run);
    return streamOf(model, clip, windows, pieces, settings);
  });
}

function planOf({ model }: LoadedModel, samples: number, { windowSeconds, overlapSeconds = 0 }: Settings): Window[] {
  // A window as long as the clip is the clip run whole.
  return planWindows(
    model,
    samples,
    windowSeconds === undefined ? { windowSeconds: samples / model.sampleRateHz } : { windowSeconds, overlapSeconds },
  );
}

function streamOf(
  model: LoadedModel,
  clip: Clip,
  windows: readonly Window[],
  pieces: AsyncIterable<Piece>,
  settings: Settings,
): EmbeddingStream {
  const { layers, pooling, l2, average } = settings;
  const sizes = { layers: layers.length, frames: model.model.frameCount(clip.samples.length), width: model.model.width };
  return {
    shape: pooledShape(pooling, sizes),
    layers,
    provenance: provenanceOf(model, clip, windows, settings),
    chunks: poolPieces(pieces, sizes, { pooling, l2, average: layerAverage(average, layers.length) }),
  };
}

async function* single(piece: Piece): AsyncGenerator<Piece> {
  yield piece;
}

/** Runs the windows of a clip, `batchSize` at a time; normalisation uses the statistics of the whole clip. */
async function* windowPieces(
  model: LoadedModel,
  clip: Float32Array,
  windows: readonly Window[],
  { layers }: Settings,
  { batchSize = 1, signal }: Pick<EmbedOptions, "batchSize" | "signal">,
): AsyncGenerator<Piece> {
  const samples = model.options.normaliseInput ? normalise(clip) : clip;
  for (let at = 0; at < windows.length; at += batchSize) {
    signal?.throwIfAborted();
    const batch = windows.slice(at, at + batchSize);
    const cuts = batch.map((window) => samples.subarray(window.startSample, window.startSample + window.samples));
    const states = await model.hiddenStates(cuts, layers, { normalised: true });
    for (const [i, { width, frames, values }] of states.entries()) {
      const { firstFrame, keepFrom, keepTo } = batch[i]!;
      const kept = keepTo - keepFrom;
      const out = new Float32Array(layers.length * kept * width);
      for (let layer = 0; layer < layers.length; layer++) {
        const from = (layer * frames + keepFrom - firstFrame) * width;
        out.set(values.subarray(from, from + kept * width), layer * kept * width);
      }
      yield { layers, frames: kept, width, values: out, firstFrame: keepFrom };
    }
  }
}

function provenanceOf(model: LoadedModel, { source }: Clip, windows: readonly Window[], settings: Settings): Provenance {
  const { sampleRateHz, hopSamples } = model.model;
  const { windowSeconds = 0, overlapSeconds = 0 } = settings;
  const deviation = windowDeviation(windows, { windowSeconds, overlapSeconds });
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
    deviations: deviation === undefined ? [] : [deviation],
  };
}
