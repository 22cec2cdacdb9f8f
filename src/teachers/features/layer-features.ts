// Features from a model: any hidden state, or what its convolutions give, for k-means as HuBERT's second iteration makes it.

import { ConfigError } from "../../base/errors.ts";
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import type { Encoder } from "../../inference/encoder.ts";
import { normalise } from "../../inference/input-normalisation.ts";
import type { Model } from "../../models/model.ts";
import type { Engine, WeightReader } from "../../ops/program.ts";
import { chainProgram } from "../../ops/stage.ts";
import { checkFrames, type FrameFeatures } from "./features.ts";

export interface LayerFeatureOptions {
  /** The model's name or hash: part of the features' name. */
  readonly model: string;
  /** Entry of hidden_states. */
  readonly layer: number;
  /** Longest piece the model sees at once; HuBERT's script cuts at 1.6 million samples too. Attention doesn't reach over a cut. */
  readonly pieceSamples?: number;
}

/** A layer of a loaded model. Cuts fall between frames, so that clips have the frames they have uncut. The encoder stays its owner's. */
export function layerFeatures(encoder: Encoder, { model: name, layer, pieceSamples = 1_600_000 }: LayerFeatureOptions): FrameFeatures {
  const { model, options } = encoder;
  if (layer < 0 || layer > model.layers) throw new ConfigError(`${name} has no layer ${layer}: 0 to ${model.layers}.`);
  return overPieces(model, model.width, `layer ${layer} of ${name}`, pieceSamples, options.normaliseInput, async (piece) => {
    const [states] = await encoder.hiddenStates([piece], [layer], { normalised: true });
    return states!.values;
  });
}

/** What a model's convolutions give, before the projection: features for a quantiser that need no trained transformer. */
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
  const { hopSamples: hop, minimumSamples } = model;
  const frameCount = (samples: number) => (samples < minimumSamples ? 0 : model.frameCount(samples));
  const longest = Math.max(1, frameCount(pieceSamples));
  return {
    name,
    width,
    sampleRateHz: model.sampleRateHz,
    rateHz: model.sampleRateHz / hop,
    frameCount,
    async *frames(waveform) {
      const total = frameCount(waveform.length);
      checkFrames(total, waveform.length, minimumSamples);
      const whole = normaliseInput ? normalise(waveform) : waveform; // by the clip's own statistics, before it is cut
      const size = Math.ceil(total / Math.ceil(total / longest));
      for (let start = 0; start < total; start += size) {
        const frames = Math.min(size, total - start);
        yield await compute(whole.subarray(start * hop, (start + frames - 1) * hop + minimumSamples));
      }
    },
    dispose: async () => {},
  };
}
