// k-means as a teacher: the nearest centroid's index is a frame's code.
import { sha256File } from "../../base/hash.node.ts";
import type { Engine } from "../../ops/program.ts";
import { type OpenTeacherOptions, type TeacherChoice, trainOptions } from "../choice.ts";
import type { FrameFeatures } from "../features/features.ts";
import { frameTeacher } from "../features/frame-teacher.ts";
import { trainingFrames } from "../features/open-features.ts";
import type { StampedTeacher, Teacher } from "../teacher.ts";
import { loadKMeans, trainKMeansTo } from "./file.ts";
import { type Clusters, kmeansAssigner } from "./kmeans.ts";
import type { KMeansState } from "./train.ts";

/** Codes by nearest centroid. The features remain the caller's. @throws ConfigError where the centroids were trained on other features. */
export async function kmeansTeacher(
  features: FrameFeatures,
  clusters: Clusters & { readonly features: string },
  engine: Engine,
): Promise<Teacher> {
  const size = clusters.counts.length;
  return frameTeacher(features, {
    name: `k-means of ${size} clusters on ${features.name}`,
    codebooks: 1,
    codebookSize: size,
    trainedOn: clusters,
    async openAssigner() {
      const assigner = await kmeansAssigner(engine, clusters.width);
      return { assign: (frames) => assigner.assign(frames, clusters), dispose: () => assigner.dispose() };
    },
  });
}

const defaultClusters = { mfcc: 100, logmel: 300, chroma: 200, layer: 500 } as const;

/** Opens the k-means that is chosen, or trains it on the training clips first. */
export async function openKMeans(
  choice: TeacherChoice,
  features: FrameFeatures,
  engine: Engine,
  options: OpenTeacherOptions,
): Promise<StampedTeacher> {
  const { codebook, clusters = defaultClusters[choice.features ?? "mfcc"] } = choice;
  const { trainTo, onTraining } = options;
  if (codebook === undefined) {
    const lineOf = ({ position, steps, inertia }: KMeansState) =>
      `k-means of ${clusters}: pass ${position.pass}, ${steps} steps, inertia ${inertia.toPrecision(4)} a frame`;
    const settings = { clusters, ...trainOptions(choice) };
    const onPool = (state: KMeansState) => onTraining?.(lineOf(state), "progress");
    const state = await trainKMeansTo(trainTo, trainingFrames(features, options), engine, settings, onPool);
    onTraining?.(`${lineOf(state)}; finished: ${state.finished === "passes" ? "all passes done" : "no more improvement"}`, "milestone");
  }
  const path = codebook ?? trainTo;
  return { teacher: await kmeansTeacher(features, await loadKMeans(path), engine), hash: await sha256File(path) };
}
