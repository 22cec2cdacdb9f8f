// Quantisers on disk: safetensors with everything worth knowing in its metadata. A run under way is kept in the same form beside it.
import { rm } from "node:fs/promises";
import { FormatError, NotFoundError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.node.ts";
import type { HostTensor } from "../base/host-tensor.ts";
import { toFloat32 } from "../base/host-tensor.ts";
import { openCheckpointFile } from "../checkpoint/read.node.ts";
import { safetensorsChunks } from "../formats/safetensors.ts";
import { namedTensors } from "../formats/tensor-file.ts";
import type { Engine } from "../ops/program.ts";
import type { FrameSource } from "./features/frame-source.ts";
import { type KMeansOptions, type KMeansState, trainKMeans } from "./kmeans/train.ts";
import { type ResidualQuantiser, type RvqOptions, type RvqState, trainRvq } from "./rvq/rvq.ts";

const doubles = (values: Float64Array, shape: readonly number[]): HostTensor => ({
  dtype: "float64",
  shape,
  bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});
const asDoubles = ({ bytes }: HostTensor): Float64Array => new Float64Array(bytes.slice().buffer);

/** Centroids [clusters, width] and counts in float64; the rest of the state as metadata. */
export async function saveKMeans(path: string, { centres, counts, width, ...rest }: KMeansState): Promise<void> {
  const tensors = namedTensors([
    ["centroids", doubles(centres, [counts.length, width])],
    ["counts", doubles(counts, [counts.length])],
  ]);
  await writeAtomic(path, safetensorsChunks(tensors, { kind: "ostinato k-means", features: rest.features, state: JSON.stringify(rest) }));
}

/** @throws FormatError when the file holds something else. */
export async function loadKMeans(path: string): Promise<KMeansState> {
  return opened(path, "ostinato k-means", async (read, metadata) => {
    const [centroids, counts] = [await read("centroids"), await read("counts")];
    const state = JSON.parse(metadata.state ?? "{}") as Omit<KMeansState, "width" | "centres" | "counts">;
    return { ...state, width: centroids.shape[1]!, centres: asDoubles(centroids), counts: asDoubles(counts) } as KMeansState;
  });
}

/** Trains to `path`, keeping `path.partial` on the way: a stopped run goes on from there, a finished one is only loaded. */
export async function trainKMeansTo(
  path: string,
  source: FrameSource,
  engine: Engine,
  options: KMeansOptions,
  onPool?: (state: KMeansState) => void,
): Promise<KMeansState> {
  const partial = `${path}.partial`;
  const resume = (await present(loadKMeans(path))) ?? (await present(loadKMeans(partial)));
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

/** Codebooks [stages, size, width] in float32: what is saved is what is used. */
export async function saveRvq(path: string, quantiser: ResidualQuantiser): Promise<void> {
  const { codebooks, shape, ...rest } = quantiser;
  const bytes = new Uint8Array(codebooks.buffer, codebooks.byteOffset, codebooks.byteLength);
  const tensors = namedTensors([["codebooks", { dtype: "float32", shape, bytes }]]);
  await writeAtomic(path, safetensorsChunks(tensors, { kind: "ostinato rvq", features: rest.features, state: JSON.stringify(rest) }));
}

/** @throws FormatError when the file holds something else. */
export async function loadRvq(path: string): Promise<ResidualQuantiser> {
  return opened(path, "ostinato rvq", async (read, metadata) => {
    const codebooks = await read("codebooks");
    const rest = JSON.parse(metadata.state ?? "{}") as Omit<ResidualQuantiser, "codebooks" | "shape">;
    return { ...rest, codebooks: toFloat32(codebooks), shape: codebooks.shape as ResidualQuantiser["shape"] };
  });
}

/** As `trainKMeansTo`: finished stages are kept in `path.partial`, the stage under way beside it. */
export async function trainRvqTo(
  path: string,
  source: FrameSource,
  engine: Engine,
  options: RvqOptions,
  onStage?: (state: RvqState) => void,
): Promise<ResidualQuantiser> {
  const [partial, stage] = [`${path}.partial`, `${path}.stage`];
  const finished = await present(loadRvq(path));
  if (finished) return finished;
  const quantiser = await trainRvq(source, engine, options, {
    resume: { quantiser: await present(loadRvq(partial)), stage: await present(loadKMeans(stage)) },
    onPool: (state) => saveKMeans(stage, state),
    async onStage(state) {
      await saveRvq(partial, state.quantiser);
      await rm(stage, { force: true });
      onStage?.(state);
    },
  });
  await saveRvq(path, quantiser);
  await rm(partial, { force: true });
  return quantiser;
}

async function opened<T>(
  path: string,
  kind: string,
  read: (tensor: (name: string) => Promise<HostTensor>, metadata: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const file = await openCheckpointFile(path);
  try {
    if (file.metadata.kind !== kind) {
      throw new FormatError(
        `${path} is no ${kind.replace("ostinato ", "")} of this library: it says ${JSON.stringify(file.metadata.kind ?? "nothing")} of itself.`,
      );
    }
    return await read((name) => file.read(name), file.metadata);
  } finally {
    await file.close();
  }
}

/** What a file holds, or undefined where there is none. */
async function present<T>(loading: Promise<T>): Promise<T | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
