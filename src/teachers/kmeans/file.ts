// k-means on disk, and training that keeps its state there, so that a stopped run resumes.
import { rm } from "node:fs/promises";
import type { HostTensor } from "../../base/host-tensor.ts";
import type { Engine } from "../../ops/program.ts";
import { ifPresent, readCodebookFile, writeCodebookFile } from "../codebook-file.ts";
import type { FrameSource } from "../features/frame-source.ts";
import { type KMeansOptions, type KMeansState, trainKMeans } from "./train.ts";

const toTensor = (values: Float64Array, shape: readonly number[]): HostTensor => ({
  dtype: "float64",
  shape,
  bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});
const toDoubles = ({ bytes }: HostTensor): Float64Array => new Float64Array(bytes.slice().buffer);

/** Writes the centroids [clusters, width] and counts [clusters] in float64; the rest of the state is metadata. */
export async function saveKMeans(path: string, { centres, counts, width, ...rest }: KMeansState): Promise<void> {
  const tensors = [
    ["centroids", toTensor(centres, [counts.length, width])],
    ["counts", toTensor(counts, [counts.length])],
  ] as const;
  await writeCodebookFile(path, "ostinato k-means", tensors, rest);
}

/** @throws NotFoundError where there is no file, FormatError when it holds something else. */
export async function loadKMeans(path: string): Promise<KMeansState> {
  const { tensors, state } = await readCodebookFile<"centroids" | "counts", Omit<KMeansState, "width" | "centres" | "counts">>(
    path,
    "ostinato k-means",
    ["centroids", "counts"],
  );
  const { centroids, counts } = tensors;
  return { ...state, width: centroids.shape[1]!, centres: toDoubles(centroids), counts: toDoubles(counts) };
}

/** Trains to `path` and keeps the state in `path.partial` meanwhile: a stopped run resumes from there, a finished one is only loaded. */
export async function trainKMeansTo(
  path: string,
  source: FrameSource,
  engine: Engine,
  options: KMeansOptions,
  onPool?: (state: KMeansState) => void,
): Promise<KMeansState> {
  const partial = `${path}.partial`;
  const resume = (await ifPresent(loadKMeans(path))) ?? (await ifPresent(loadKMeans(partial)));
  const state = await trainKMeans(source, engine, options, {
    resume,
    async onPool(reached) {
      await saveKMeans(partial, reached);
      onPool?.(reached);
    },
  });
  await saveKMeans(path, state);
  await rm(partial, { force: true });
  return state;
}
