// Teachers over frame features: k-means with one codebook, the residual quantiser with several.

import { ConfigError } from "../base/errors.ts";
import type { Codes } from "../inference/encodec.ts";
import type { Engine } from "../ops/program.ts";
import type { FrameFeatures } from "./features/features.ts";
import { type Clusters, kmeansAssigner } from "./kmeans/kmeans.ts";
import { type ResidualQuantiser, residualAssigner } from "./rvq/rvq.ts";
import type { Teacher } from "./teacher.ts";

/** Labels by nearest centroid. The features stay their owner's. @throws ConfigError where the centroids were made of others. */
export async function kmeansTeacher(
  features: FrameFeatures,
  clusters: Clusters & { readonly features: string },
  engine: Engine,
): Promise<Teacher> {
  checkFeatures(features, clusters.features, clusters.width);
  const assigner = await kmeansAssigner(engine, clusters.width);
  const size = clusters.counts.length;
  return overFrames(features, `k-means of ${size} clusters on ${features.name}`, 1, size, {
    assign: (frames) => assigner.assign(frames, clusters),
    dispose: () => assigner.dispose(),
  });
}

/** Codes of the residual quantiser. */
export async function rvqTeacher(features: FrameFeatures, quantiser: ResidualQuantiser, engine: Engine): Promise<Teacher> {
  const [stages, size, width] = quantiser.shape;
  checkFeatures(features, quantiser.features, width);
  return overFrames(
    features,
    `Ostinato RVQ ${stages} x ${size} on ${features.name}`,
    stages,
    size,
    await residualAssigner(engine, quantiser),
  );
}

function overFrames(
  features: FrameFeatures,
  name: string,
  codebooks: number,
  codebookSize: number,
  assigner: { assign(frames: Float32Array): Promise<Int32Array>; dispose(): Promise<void> },
): Teacher {
  const { sampleRateHz, rateHz, frameCount, width } = features;
  const encodeOne = async (waveform: Float32Array): Promise<Codes> => {
    const frames = frameCount(waveform.length);
    const values = new Int32Array(codebooks * frames);
    let done = 0;
    for await (const piece of features.frames(waveform)) {
      const count = piece.length / width;
      const codes = await assigner.assign(piece);
      for (let book = 0; book < codebooks; book++) values.set(codes.subarray(book * count, (book + 1) * count), book * frames + done);
      done += count;
    }
    return { codebooks, frames, values };
  };
  return {
    name,
    codebooks,
    codebookSize,
    sampleRateHz,
    rateHz,
    frameCount,
    async encode(waveforms) {
      const codes: Codes[] = [];
      for (const waveform of waveforms) codes.push(await encodeOne(waveform));
      return codes;
    },
    dispose: () => assigner.dispose(),
  };
}

function checkFeatures({ name, width }: FrameFeatures, wanted: string, wantedWidth: number): void {
  if (name === wanted && width === wantedWidth) return;
  throw new ConfigError(
    `The quantiser was trained on ${wanted} (${wantedWidth} wide), these are ${name} (${width} wide). Use the features it was trained on.`,
  );
}
