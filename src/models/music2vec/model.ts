// music2vec (arXiv:2212.02508): the encoder of data2vec-audio (arXiv:2202.03555).
import type { Stage } from "../../ops/stage.ts";
import { embedStage, encoderModel } from "../blocks/encoder.ts";
import { extractFeatures, featureExtractorParams } from "../blocks/feature-extractor.ts";
import { stackedPositionalParams, stackedPositions } from "../blocks/positional.ts";
import { type ProjectionConfig, project, projectionParams } from "../blocks/projection.ts";
import type { Model } from "../model.ts";
import type { Music2VecConfig } from "./config.ts";

export function music2vecModel(config: Music2VecConfig): Model {
  const { extractor, transformer, positional } = config;
  return encoderModel({
    family: "music2vec",
    sampleRateHz: config.sampleRateHz,
    extractor,
    transformer,
    frontend: frontend(config),
    embed: embedStage(
      transformer,
      {
        params: stackedPositionalParams(positional, transformer.width),
        positions: (cx, params, x) => stackedPositions(cx, params, positional, x),
      },
      config.maskable,
    ),
  });
}

/** waveform [batch, samples] → projected frames [batch, frames, width]. Taps conv_features, projected. */
function frontend(config: Music2VecConfig): Stage {
  const projection: ProjectionConfig = {
    inputs: config.extractor.channels.at(-1)!,
    width: config.transformer.width,
    layerNorm: true,
    eps: config.transformer.eps,
  };
  return {
    name: "frontend",
    params: { ...featureExtractorParams(config.extractor), ...projectionParams(projection) },
    run(cx, params, waveform) {
      const features = extractFeatures(cx, params, config.extractor, waveform); // [b, t, c]
      cx.tap?.("conv_features", features);
      const projected = project(cx, params, projection, features);
      cx.tap?.("projected", projected);
      return projected;
    },
  };
}
