// Features from a model: any hidden state, or the output of its convolutions, for k-means as in HuBERT's second iteration.

import { ConfigError } from "../../base/errors.ts";
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import type { Encoder } from "../../inference/encoder.ts";
import { normalise } from "../../inference/input-normalisation.ts";
import type { Model } from "../../models/model.ts";
import type { Engine, WeightReader } from "../../ops/program.ts";
import { chainProgram } from "../../ops/stage.ts";
import type { FrameFeatures } from "./features.ts";
import { pieces } from "./pieces.ts";

export interface LayerFeatureOptions {
  /** The model's name or hash, which becomes part of the features' name. */
  readonly model: string;
  /** Index into hidden_states. */
  readonly layer: number;
  /** Longest piece that the model computes at once; HuBERT's script cuts at 1.6 million samples too. Attention doesn't cross a cut. */
  readonly pieceSamples?: number;
}

/** A layer of a loaded model. Cuts fall between frames, so a clip has as many frames as it has uncut. The encoder remains the caller's. */
export function layerFeatures(encoder: Encoder, { model: name, layer, pieceSamples = 1_600_000 }: LayerFeatureOptions): FrameFeatures {
  const { model, options } = encoder;
  if (layer < 0 || layer > model.layers) throw new ConfigError(`${name} has no layer ${layer}: 0 to ${model.layers}.`);
  return overPieces(model, model.width, `layer ${layer} of ${name}`, pieceSamples, options.normaliseInput, async (piece) => {
    const [states] = await encoder.hiddenStates([piece], [layer], { normalised: true });
    return states!.values;
  });
}

/** Output of a model's convolutions, before the projection: features that need no trained transformer. */
export async function convolutionFeatures(
  model: Model,
  engine: Engine,
  weights: WeightReader,
  given: { readonly model: string; readonly width: number; readonly normaliseInput: boolean; readonly pieceSamples?: number },
): Promise<FrameFeatures> {
  const program = chainProgram(model.family, model.stages.slice(0, 1), {
    input: { dtype: "float32", shape: ["batch", "samples"] },
    outputs: ["conv_features"],
  });
  const session = await engine.prepare(program, weights);
  const compute = async (piece: Float32Array) => toFloat32((await session.run({ x: hostTensor(piece, [1, piece.length]) })).conv_features!);
  const name = `convolutions of ${given.model}`;
  const features = overPieces(model, given.width, name, given.pieceSamples ?? 1_600_000, given.normaliseInput, compute);
  return { ...features, dispose: () => session.dispose() };
}

function overPieces(
  model: Model,
  width: number,
  name: string,
  pieceSamples: number,
  normaliseInput: boolean,
  compute: (piece: Float32Array) => Promise<Float32Array>,
): FrameFeatures {
  const { hopSamples, minimumSamples } = model;
  const frameCount = (samples: number) => (samples < minimumSamples ? 0 : model.frameCount(samples));
  const framing = { hopSamples, frameSamples: minimumSamples, contextFrames: 0 };
  const longest = Math.max(1, frameCount(pieceSamples));
  return {
    name,
    width,
    sampleRateHz: model.sampleRateHz,
    rateHz: model.sampleRateHz / hopSamples,
    frameCount,
    async *frames(waveform) {
      const total = frameCount(waveform.length);
      const whole = normaliseInput ? normalise(waveform) : waveform; // by the whole clip's statistics
      const size = Math.ceil(total / Math.ceil(total / longest));
      for (const piece of pieces(framing, whole, total, size)) yield await compute(piece.samples);
    },
    dispose: async () => {},
  };
}
