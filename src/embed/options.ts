// Options of the embedding functions: checked once, and turned into the settings that provenance records.
import { ConfigError } from "../base/errors.ts";
import { abortSignal, callback, checkOptions, count, flag, oneOf, type Rule, type Rules, seconds, text } from "../base/options.ts";
import { shown } from "../base/shown.ts";
import { chosenLayers, type LayerChoice } from "../inference/encoder.ts";
import type { LoadedModel } from "../inference/load.node.ts";
import type { LayerAverage, Pooling } from "../inference/pooling.ts";
import type { Settings } from "../inference/provenance.ts";
import { planWindows } from "../inference/window.ts";
import { layerAverage } from "./pool.ts";
import { recommendedLayers } from "./recommend.ts";
import { type StoreFormat, storeFormats } from "./stores/index.ts";

/** Which hidden states are returned, how they are pooled, and how clips are run. */
export interface EmbedOptions<P extends Pooling = Pooling> {
  /** Default "all": layers + 1 hidden states. Layers above the highest chosen one are not computed. "recommended" gives one: the layer that the
   *  registry names, or the mean over all layers of a model that nobody measured; its vectors have length 1 unless `l2` is false. */
  readonly layers?: LayerChoice | "recommended" | undefined;
  /** Default "none": every frame of every chosen layer. */
  readonly pooling?: P | undefined;
  /** For pooling "weighted": learned weights, one for each chosen layer; default: equal weights. */
  readonly weights?: LayerAverage | undefined;
  /** Scale each vector to Euclidean length 1. */
  readonly l2?: boolean | undefined;
  /** Length of the window that attention sees at once. By default clips up to two minutes are one window, longer ones are cut into windows of
   *  30 s with 5 s of overlap. */
  readonly windowSeconds?: number | undefined;
  readonly overlapSeconds?: number | undefined;
  /** How many windows (or, of many inputs, clips of similar lengths) are computed together; default 1. */
  readonly batchSize?: number | undefined;
  /** Stops the work between windows; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How a corpus is embedded and where it is written. */
export interface EmbedFilesOptions extends EmbedOptions {
  /** The output folder; created if it does not exist. */
  readonly out: string;
  /** Default "npy". */
  readonly format?: StoreFormat | undefined;
  /** Replace outputs that exist, whatever they hold. */
  readonly overwrite?: boolean | undefined;
  /** Files decoded ahead of the model; default 2. */
  readonly lookAhead?: number | undefined;
  /** For "parquet": seconds after which a part is written at the latest, so the work that a killed run loses; default 60. */
  readonly partSeconds?: number | undefined;
}

/** How many inputs are embedded. */
export interface EmbedManyOptions<P extends Pooling = Pooling> extends EmbedOptions<P> {
  /** Inputs decoded ahead of the model; default 2. */
  readonly lookAhead?: number | undefined;
  /** Called with an input that fails and its place in the list; the others go on. Without it the first failure ends the iteration. */
  readonly onError?: ((error: Error, index: number) => void) | undefined;
}

const layerRule: Rule = {
  accepts: '"all", "last", "recommended" or a list of numbers such as [0, 6, 12]',
  test: (value) =>
    ["all", "last", "recommended"].includes(value as string) || (Array.isArray(value) && value.every((layer) => typeof layer === "number")),
};
const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.every(Number.isFinite);
const averageRule: Rule = {
  accepts: '{ kind: "softmax", logits: […] } or { kind: "unconstrained", weights: […], bias: 0 }',
  test: (value) => {
    const { kind, logits, weights, bias } = (value ?? {}) as Record<string, unknown>;
    return kind === "softmax" ? isNumbers(logits) : kind === "unconstrained" && isNumbers(weights) && Number.isFinite(bias);
  },
};

const embedRules: Rules<EmbedOptions> = {
  layers: layerRule,
  pooling: oneOf("none", "mean", "weighted"),
  weights: averageRule,
  l2: flag,
  windowSeconds: seconds,
  overlapSeconds: seconds,
  batchSize: count,
  signal: abortSignal,
};
const ruleSets = {
  embed: embedRules,
  vector: pick("layers", "windowSeconds", "overlapSeconds", "batchSize", "signal"),
  embedFrames: pick("layers", "windowSeconds", "overlapSeconds", "batchSize", "signal"),
  embedMany: { ...embedRules, lookAhead: seconds, onError: callback } satisfies Rules<EmbedManyOptions>,
  embedFiles: {
    ...embedRules,
    out: text,
    format: oneOf(...storeFormats),
    overwrite: flag,
    lookAhead: seconds,
    partSeconds: seconds,
  } satisfies Rules<EmbedFilesOptions>,
};

/** Names that other libraries have for these options. */
const synonyms = {
  normalize: "l2",
  normalise: "l2",
  normalize_embeddings: "l2",
  layer: "layers",
  pool: "pooling",
  batch_size: "batchSize",
} as const;

function pick<Name extends keyof EmbedOptions>(...names: Name[]): Record<Name, Rule> {
  return Object.fromEntries(names.map((name) => [name, embedRules[name]])) as Record<Name, Rule>;
}

/** Checks the arguments of a public function.
 *  @throws ConfigError for a model that isn't loaded, an option that does not exist, with the nearest name, and a wrong value. */
export function checkArguments(caller: keyof typeof ruleSets, model: unknown, options: object): void {
  const { hiddenStates, weightsSha256 } = (model ?? {}) as Partial<LoadedModel>;
  if (typeof hiddenStates !== "function" || typeof weightsSha256 !== "function") {
    const actual = model instanceof Promise ? "a Promise" : shown(model);
    throw new ConfigError(`The model given to ${caller} is ${actual}. Load it first: const model = await loadModel("MERT-v1-95M").`);
  }
  checkOptions(options as Record<string, unknown>, ruleSets[caller] as Rules<Record<string, unknown>>, caller, synonyms);
}

/** Checked options as the settings that provenance records. @throws ConfigError for options that contradict each other or the model. */
export async function settingsOf(model: LoadedModel, options: EmbedOptions): Promise<Settings> {
  const { pooling = "none", weights, windowSeconds, overlapSeconds } = options;
  const recommended = options.layers === "recommended" ? recommendedLayers(model) : undefined;
  const layers = recommended?.layers ?? chosenLayers((options.layers as LayerChoice | undefined) ?? "all", model.model.layers);
  if (windowSeconds === undefined && overlapSeconds !== undefined) throw new ConfigError("overlap is given without a window: give both.");
  if (weights && pooling !== "weighted") throw new ConfigError(`weights go with pooling "weighted", not with "${pooling}".`);
  if (weights && recommended)
    throw new ConfigError('weights are given with layers "recommended", which bring their own. Leave out one of both.');
  const window = windowSeconds === undefined ? undefined : { windowSeconds, overlapSeconds: overlapSeconds ?? 0 };
  if (window) planWindows(model.model, model.model.minimumSamples, window); // refuses a wrong window before any file is decoded
  const average = recommended?.average ?? (pooling === "weighted" ? layerAverage(weights, layers.length) : undefined);
  return {
    weightsSha256: await model.weightsSha256(),
    layers,
    pooling,
    ...(average && { average }),
    l2: options.l2 ?? recommended !== undefined,
    inputNormalisation: model.inputNormalisation,
    padding: model.options.padding,
    dtype: model.dtype,
    ...(window ?? {}),
  };
}
