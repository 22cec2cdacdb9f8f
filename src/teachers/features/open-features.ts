// The features that are chosen, opened, and their frames over a corpus's training clips.
import { join } from "node:path";
import { loadAudio } from "../../audio/load.node.ts";
import { ConfigError, OstinatoError } from "../../base/errors.ts";
import { loadModel } from "../../inference/load.node.ts";
import type { Engine } from "../../ops/program.ts";
import type { OpenTeacherOptions, TeacherChoice } from "../choice.ts";
import { dspFeatures, type FrameFeatures } from "./features.ts";
import { clipFrames, type FrameSource } from "./frame-source.ts";
import { layerFeatures } from "./layer-features.ts";

/** Features with all that must be disposed of with them. @throws ConfigError where a layer's model or number is missing. */
export async function openFeatures(
  { kind, features = kind === "rvq" ? "logmel" : "mfcc", model, layer }: TeacherChoice,
  engine: Engine,
  options: OpenTeacherOptions,
): Promise<FrameFeatures> {
  const { sampleRateHz, dtype = "fp32" } = options;
  if (features !== "layer") return dspFeatures(features, engine, { sampleRateHz });
  if (model === undefined || layer === undefined) {
    throw new ConfigError("Features of a layer need a model and a layer: --model m-a-p/MERT-v1-95M --layer 6.");
  }
  const { revision, cacheDir, endpoint, token, localFilesOnly, onProgress, onNotice, signal, device, threads } = options;
  const hub = { revision, cacheDir, endpoint, token, localFilesOnly, onProgress, onNotice, signal };
  const given = Object.entries({ ...hub, engine: options.engine, device, dtype, threads }).filter(([, value]) => value !== undefined);
  const loaded = await loadModel(model, Object.fromEntries(given));
  const hashes = (await loaded.weightsSha256()).map((hash) => hash.slice(0, 12));
  const name = `${model} (${[...hashes, ...(dtype === "fp32" ? [] : [dtype])].join(", ")})`;
  return { ...layerFeatures(loaded, { model: name, layer }), dispose: () => loaded.dispose() };
}

/** Frames of the training clips. A clip that can't be read gives none; the labelling that follows names it.
 *  @throws ConfigError where the manifests' rate isn't the features'. */
export function trainingFrames(features: FrameFeatures, { train, sampleRateHz, onTraining, signal }: OpenTeacherOptions): FrameSource {
  if (features.sampleRateHz !== sampleRateHz) {
    throw new ConfigError(
      `The manifest's lengths count at ${sampleRateHz} Hz, but ${features.name} takes ${features.sampleRateHz} Hz. Make the manifest with --sample-rate ${features.sampleRateHz}.`,
    );
  }
  const clips = train.flatMap(({ root, clips: own }) =>
    own.map(({ path, samples }) => ({
      samples,
      load: async () => (await loadAudio(join(root, path), { sampleRateHz, signal })).samples,
    })),
  );
  const source = clipFrames(features, clips);
  onTraining?.(`training on ${source.totalFrames} frames of ${clips.length} clips: ${features.name}`, "milestone");
  return {
    ...source,
    async *clip(index) {
      try {
        yield* source.clip(index);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof OstinatoError)) throw error;
      }
    },
  };
}
