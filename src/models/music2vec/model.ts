// music2vec (arXiv:2212.02508): the encoder of data2vec-audio (arXiv:2202.03555).
import { embedStage, encoderModel } from "../blocks/encoder.ts";
import { frontendStage } from "../blocks/frontend.ts";
import { stackedConvolutionPositions } from "../blocks/positional.ts";
import type { Model } from "../model.ts";
import type { Music2VecConfig } from "./config.ts";

export function music2vecModel(config: Music2VecConfig): Model {
  const { extractor, transformer, positional } = config;
  return encoderModel({
    family: "music2vec",
    sampleRateHz: config.sampleRateHz,
    extractor,
    transformer,
    frontend: frontendStage({ ...config, projectionNorm: true }),
    embed: embedStage(transformer, stackedConvolutionPositions(positional, transformer.width), config.maskable),
  });
}
