// MERT (arXiv:2306.00107) and HuBERT (arXiv:2106.07447): the same network, MERT optionally with a CQT beside the convolutions.
import { cqt, cqtReach, mertCqt } from "../../dsp/cqt.ts";
import { embedStage, encoderModel } from "../blocks/encoder.ts";
import { hopSamples } from "../blocks/feature-extractor.ts";
import { frontendStage, type JoinedFeatures } from "../blocks/frontend.ts";
import { convolutionPositions } from "../blocks/positional.ts";
import type { Model } from "../model.ts";
import type { MertConfig } from "./config.ts";

export function mertModel(config: MertConfig): Model {
  const { extractor, transformer, positional, cqtBins } = config;
  const cqtOptions = mertCqt(config.sampleRateHz, cqtBins);
  const joined: JoinedFeatures | undefined =
    cqtBins > 0 ? { name: "cqt_features", width: cqtBins, compute: (ops, waveform) => cqt(ops, waveform, cqtOptions) } : undefined;
  return encoderModel({
    family: "mert",
    sampleRateHz: config.sampleRateHz,
    extractor,
    transformer,
    frontend: frontendStage(config, joined),
    contextFrames: joined ? Math.ceil(cqtReach(cqtOptions) / hopSamples(extractor)) : 0,
    embed: embedStage(transformer, convolutionPositions(positional, transformer.width), config.maskable),
  });
}
