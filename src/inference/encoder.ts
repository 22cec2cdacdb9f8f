// Inference: a model on an engine. Waveforms in, hidden states out; batches of mixed lengths give the results of single runs.

import { ConfigError, TooShortError } from "../base/errors.ts";
import { hostTensor, int32Vector } from "../base/host-tensor.ts";
import type { Model } from "../models/model.ts";
import type { Engine, Values, WeightReader } from "../ops/program.ts";
import { prepareBatch } from "./input-normalisation.ts";
import { type FrameRun, gatherRow, type LongClip, longClip, windowedFrames } from "./long.ts";
import type { HiddenStates } from "./pooling.ts";
import { stageChain } from "./stage-chain.ts";
import { windowFor } from "./window.ts";

/** How clips of different lengths share a batch.
 *  "exact": statistics, attention and positions use each clip's own samples only, so the result is that of a single run.
 *  "original": as in transformers, where padding enters the group norm (and, without a mask, everything else). */
export type Padding = "exact" | "original";

/** How an encoder prepares its input. */
export interface EncoderOptions {
  /** Whether the model expects input of zero mean and unit variance. */
  readonly normaliseInput: boolean;
  readonly padding?: Padding;
  /** In "original" padding: whether the model's processor gives an attention mask. */
  readonly attentionMask?: boolean;
}

/** "all", "last", or entries of `hidden_states` counted as transformers does: 0 is the embedding, negative ones count from the end. */
export type LayerChoice = "all" | "last" | readonly number[];

/** Options of `Encoder.stream`. */
export interface StreamOptions {
  /** Default "all". */
  readonly layers?: LayerChoice | undefined;
  /** The length that attention sees at once. By default clips up to two minutes are one window, longer ones use 30 s with an overlap of 5 s. */
  readonly windowSeconds?: number | undefined;
  readonly overlapSeconds?: number | undefined;
  /** Windows per batch; default 1. */
  readonly batchSize?: number | undefined;
  /** Aborts between runs. */
  readonly signal?: AbortSignal | undefined;
}

/** A model on an engine: waveforms in, hidden states out. */
export interface Encoder {
  readonly model: Model;
  readonly options: Required<EncoderOptions>;
  /** Mono waveforms at the model's sample rate → the chosen hidden states of each.
   *  Only the stages up to the highest chosen layer run. `normalised`: the waveforms have already been normalised as the model expects. @throws TooShortError for a clip without a single frame. */
  hiddenStates(
    waveforms: readonly Float32Array[],
    layers?: LayerChoice,
    given?: { readonly normalised?: boolean },
  ): Promise<HiddenStates[]>;
  /** The hidden states of a clip of any length, in bounded memory: runs of frames, in order, that together contain every frame once. The
   *  convolutions use the statistics of the whole clip; attention and the positional convolution see one window at a time. A clip that fits
   *  one window differs from `hiddenStates` by rounding only.
   *  @throws TooShortError for a clip without a single frame, ConfigError for a wrong layer or window. */
  stream(clip: Float32Array | LongClip, options?: StreamOptions): AsyncGenerator<FrameRun>;
  /** Tapped values of one waveform by name: outputs of stages, and values inside them (`conv_features`, `layers.3.ffn`). */
  taps(waveform: Float32Array, names: readonly string[]): Promise<Values>;
  dispose(): Promise<void>;
}

export function createEncoder(model: Model, engine: Engine, weights: WeightReader, given: EncoderOptions): Encoder {
  const options = { padding: "exact", attentionMask: false, ...given } as const;
  const chain = stageChain(model, engine, weights, options.padding);

  return {
    model,
    options,
    async hiddenStates(waveforms, choice = "all", { normalised = false } = {}) {
      const layers = chosenLayers(choice, model.layers);
      for (const waveform of waveforms) checkLength(model, waveform.length);
      if (waveforms.length === 0) return [];
      const exact = options.padding === "exact";
      const batch = prepareBatch(waveforms, {
        normalise: options.normaliseInput && !normalised,
        overPadding: !exact && !options.attentionMask,
      });
      const mixed = batch.lengths.some((length) => length !== batch.samples);
      const counted = { windows: mixed && exact, frames: mixed && (exact || options.attentionMask) };
      const outputs = layers.map((layer) => model.hiddenStates[layer]!);
      const inputs: Values = { x: hostTensor(batch.values, [batch.rows, batch.samples]) };
      if (counted.windows) inputs.windows = int32Vector(batch.lengths.map((length) => model.windowCount(length)));
      if (counted.frames) inputs.frames = int32Vector(batch.lengths.map((length) => model.frameCount(length)));
      const results = await chain.run(inputs, outputs);
      return batch.lengths.map((length, row) => {
        const frames = model.frameCount(exact || options.attentionMask ? length : batch.samples);
        return {
          layers,
          frames,
          width: model.width,
          values: gatherRow(
            outputs.map((output) => results[output]!),
            row,
            0,
            frames,
          ),
        };
      });
    },
    async *stream(clip, { layers = "all", windowSeconds, overlapSeconds, batchSize, signal } = {}) {
      const long = clip instanceof Float32Array ? longClip(clip, model) : clip;
      const { samples } = long.statistics;
      checkLength(model, samples);
      const window = windowSeconds === undefined ? windowFor(model, samples) : { windowSeconds, overlapSeconds };
      const run = { model, chain, normaliseInput: options.normaliseInput };
      yield* windowedFrames(run, long, chosenLayers(layers, model.layers), { ...window, batchSize, signal });
    },
    async taps(waveform, names) {
      checkLength(model, waveform.length);
      const batch = prepareBatch([waveform], { normalise: options.normaliseInput });
      return chain.run({ x: hostTensor(batch.values, [1, batch.samples]) }, names);
    },
    dispose: () => chain.dispose(),
  };
}

/** The chosen entries of `hidden_states`, in the order given. @throws ConfigError for a layer the model doesn't have. */
export function chosenLayers(choice: LayerChoice, layers: number): number[] {
  if (choice === "all") return Array.from({ length: layers + 1 }, (_, i) => i);
  if (choice === "last") return [layers];
  const chosen = choice.map((layer) => (layer < 0 ? layer + layers + 1 : layer));
  const wrong = choice.find((_, i) => !Number.isInteger(chosen[i]) || chosen[i]! < 0 || chosen[i]! > layers);
  if (wrong !== undefined)
    throw new ConfigError(`Layer ${wrong} does not exist: this model has hidden states 0 (the embedding) to ${layers}.`);
  if (chosen.length === 0) throw new ConfigError(`No layers were asked for. Give "all", "last" or numbers from 0 to ${layers}.`);
  if (new Set(chosen).size !== chosen.length) throw new ConfigError(`Layers ${choice.join(", ")} name one hidden state twice.`);
  return chosen;
}

/** @throws TooShortError when not even one frame fits. */
export function checkLength(model: Model, samples: number): void {
  if (samples >= model.minimumSamples) return;
  const milliseconds = ((1000 * model.minimumSamples) / model.sampleRateHz).toFixed(1);
  throw new TooShortError(
    `The clip has ${samples} samples at ${model.sampleRateHz} Hz; one frame needs ${model.minimumSamples} (${milliseconds} ms). Give a longer clip, or leave this one out.`,
  );
}
