// MERT (arXiv:2306.00107) and HuBERT (arXiv:2106.07447): the same network, MERT optionally with a CQT beside the convolutions.
import { cqt, cqtReach, mertCqt } from "../../dsp/cqt.ts";
import type { Stage } from "../../ops/stage.ts";
import { embedStage, encoderModel } from "../blocks/encoder.ts";
import { extractFeatures, featureExtractorParams, hopSamples } from "../blocks/feature-extractor.ts";
import { positionalParams, positions } from "../blocks/positional.ts";
import { type ProjectionConfig, project, projectionParams } from "../blocks/projection.ts";
import type { Model } from "../model.ts";
import type { MertConfig } from "./config.ts";

export function mertModel(config: MertConfig): Model {
  const { extractor, transformer, positional } = config;
  return encoderModel({
    family: "mert",
    sampleRateHz: config.sampleRateHz,
    extractor,
    transformer,
    frontend: frontend(config),
    contextFrames: config.cqtBins > 0 ? Math.ceil(cqtReach(mertCqt(config.sampleRateHz, config.cqtBins)) / hopSamples(extractor)) : 0,
    embed: embedStage(
      transformer,
      { params: positionalParams(positional, transformer.width), positions: (cx, params, x) => positions(cx, params, positional, x) },
      config.maskable,
    ),
  });
}

/** waveform [batch, samples] → projected frames [batch, frames, width]. Taps conv_features, cqt_features, projected. */
function frontend(config: MertConfig): Stage {
  const projection: ProjectionConfig = {
    inputs: config.extractor.channels.at(-1)! + config.cqtBins,
    width: config.transformer.width,
    layerNorm: config.projectionNorm,
    eps: config.transformer.eps,
  };
  return {
    name: "frontend",
    params: { ...featureExtractorParams(config.extractor), ...projectionParams(projection) },
    run(cx, params, waveform) {
      const { ops } = cx;
      let features = extractFeatures(cx, params, config.extractor, waveform); // [b, t, c]
      cx.tap?.("conv_features", features);
      if (config.cqtBins > 0) {
        const magnitudes = ops.matchLength(cqt(ops, waveform, mertCqt(config.sampleRateHz, config.cqtBins)), 1, features);
        cx.tap?.("cqt_features", magnitudes);
        features = ops.concat([features, magnitudes], 2);
      }
      const projected = project(cx, params, projection, features);
      cx.tap?.("projected", projected);
      return projected;
    },
  };
}
