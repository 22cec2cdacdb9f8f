// Residual quantisers on disk, and training that keeps its state there, so that a stopped run resumes.
import { rm } from "node:fs/promises";
import { type HostTensor, toFloat32 } from "../../base/host-tensor.ts";
import type { Engine } from "../../ops/program.ts";
import { ifPresent, readCodebookFile, writeCodebookFile } from "../codebook-file.ts";
import type { FrameSource } from "../features/frame-source.ts";
import { loadKMeans, saveKMeans } from "../kmeans/file.ts";
import { type ResidualQuantiser, type RvqOptions, type RvqState, trainRvq } from "./rvq.ts";

/** Writes the codebooks [stages, size, width] in float32, as they are used. */
export async function saveRvq(path: string, { codebooks, shape, ...rest }: ResidualQuantiser): Promise<void> {
  const bytes = new Uint8Array(codebooks.buffer, codebooks.byteOffset, codebooks.byteLength);
  const tensor: HostTensor = { dtype: "float32", shape, bytes };
  await writeCodebookFile(path, "ostinato rvq", [["codebooks", tensor]], rest);
}

/** @throws NotFoundError where there is no file, FormatError when it holds something else. */
export async function loadRvq(path: string): Promise<ResidualQuantiser> {
  const { tensors, state } = await readCodebookFile<"codebooks", Omit<ResidualQuantiser, "codebooks" | "shape">>(path, "ostinato rvq", [
    "codebooks",
  ]);
  const { codebooks } = tensors;
  return { ...state, codebooks: toFloat32(codebooks), shape: codebooks.shape as ResidualQuantiser["shape"] };
}

/** Trains to `path`. Finished stages are kept in `path.partial` meanwhile and the stage under way in `path.stage`: a stopped run resumes from
 *  there, a finished one is only loaded. */
export async function trainRvqTo(
  path: string,
  source: FrameSource,
  engine: Engine,
  options: RvqOptions,
  onStage?: (state: RvqState) => void,
): Promise<ResidualQuantiser> {
  const [partial, stage] = [`${path}.partial`, `${path}.stage`];
  const finished = await ifPresent(loadRvq(path));
  if (finished) return finished;
  const quantiser = await trainRvq(source, engine, options, {
    resume: { quantiser: await ifPresent(loadRvq(partial)), stage: await ifPresent(loadKMeans(stage)) },
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
