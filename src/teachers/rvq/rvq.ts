// A residual quantiser of our own: k-means on the frames, then k-means on the residuals, and so on. It serves where no EnCodec weights are
// available. Its codes have the shape of EnCodec's but are not interchangeable with them.

import { ConfigError } from "../../base/errors.ts";
import { type HostTensor, hostTensor } from "../../base/host-tensor.ts";
import { residualCodes } from "../../models/encodec/quantiser.ts";
import { type Engine, noWeights, type Program } from "../../ops/program.ts";
import type { FrameSource } from "../features/frame-source.ts";
import type { FrameAssigner } from "../features/frame-teacher.ts";
import { asInts } from "../kmeans/kmeans.ts";
import { type KMeansOptions, type KMeansState, trainKMeans } from "../kmeans/train.ts";

export interface ResidualQuantiser {
  readonly features: string;
  readonly seed: number;
  /** [stages, size, width]. */
  readonly codebooks: Float32Array;
  readonly shape: readonly [stages: number, size: number, width: number];
  /** Inertia a frame after each stage, on the last batch of that stage. */
  readonly inertias: readonly number[];
}

export interface RvqOptions extends Omit<KMeansOptions, "clusters"> {
  /** Number of codebooks; default 8, as MERT takes of EnCodec. */
  readonly stages?: number;
  /** Entries of each codebook; default 1024. */
  readonly size?: number;
}

export interface RvqState {
  readonly quantiser: ResidualQuantiser;
  readonly last: KMeansState;
}

export interface RvqHooks {
  readonly resume?: { readonly quantiser: ResidualQuantiser | undefined; readonly stage: KMeansState | undefined };
  readonly onPool?: (state: KMeansState) => Promise<void> | void;
  readonly onStage?: (state: RvqState) => Promise<void> | void;
}

/** Trains stage by stage. @throws ConfigError where the state to resume is another run's, and as `trainKMeans` does. */
export async function trainRvq(
  source: FrameSource,
  engine: Engine,
  { stages = 8, size = 1024, ...options }: RvqOptions,
  { resume, onPool, onStage }: RvqHooks = {},
): Promise<ResidualQuantiser> {
  const { width } = source;
  let quantiser: ResidualQuantiser = resume?.quantiser ?? {
    features: source.name,
    seed: options.seed,
    codebooks: new Float32Array(0),
    shape: [0, size, width],
    inertias: [],
  };
  if (
    quantiser.features !== source.name ||
    quantiser.seed !== options.seed ||
    quantiser.shape[1] !== size ||
    quantiser.shape[2] !== width
  ) {
    throw new ConfigError(
      `The run to resume has other settings (${quantiser.features}, ${quantiser.shape[1]} codes, seed ${quantiser.seed}). Remove it, or train under another name.`,
    );
  }
  for (let stage = quantiser.shape[0]; stage < stages; stage++) {
    const codes = stage > 0 ? await residualAssigner(engine, quantiser) : undefined;
    try {
      const residuals = codes ? residualSource(source, quantiser, codes) : source;
      const kmeans = { ...options, clusters: size, seed: options.seed + stage };
      const begun = resume?.stage?.features === residuals.name ? resume.stage : undefined;
      const last = await trainKMeans(residuals, engine, kmeans, { resume: begun, ...(onPool && { onPool }) });
      const codebooks = new Float32Array((stage + 1) * size * width);
      codebooks.set(quantiser.codebooks);
      codebooks.set(last.centres, stage * size * width);
      quantiser = { ...quantiser, codebooks, shape: [stage + 1, size, width], inertias: [...quantiser.inertias, last.inertia] };
      await onStage?.({ quantiser, last });
    } finally {
      await codes?.dispose();
    }
  }
  return quantiser;
}

/** Assigns frames [n, width] the codes [stages, n] of the quantiser. */
export async function residualAssigner(engine: Engine, { codebooks, shape }: ResidualQuantiser): Promise<FrameAssigner> {
  const [stages, , width] = shape;
  const program: Program = {
    name: "rvq",
    params: { codebooks: { shape, init: { constant: 0 } } },
    inputs: { frames: { dtype: "float32", shape: [1, "frames", width] } },
    run: (ops, params, { frames }) => ({ codes: residualCodes(ops, frames!, params.get("codebooks")) }),
  };
  const weights = { read: async (): Promise<HostTensor> => hostTensor(codebooks, shape) };
  const session = await engine.prepare(program, codebooks.length > 0 ? weights : noWeights);
  return {
    async assign(frames) {
      const count = frames.length / width;
      const out = new Int32Array(stages * count);
      for (let start = 0; start < count; start += mostFrames) {
        const chunk = frames.subarray(start * width, Math.min(count, start + mostFrames) * width);
        const size = chunk.length / width;
        const codes = asInts((await session.run({ frames: hostTensor(chunk, [1, size, width]) })).codes!);
        for (let stage = 0; stage < stages; stage++) out.set(codes.subarray(stage * size, (stage + 1) * size), stage * count + start);
      }
      return out;
    },
    dispose: () => session.dispose(),
  };
}

/** Largest number of frames in one call of the engine. */
const mostFrames = 8192;

/** The residuals of a source's frames: frames minus their quantised values. */
function residualSource(source: FrameSource, quantiser: ResidualQuantiser, assigner: FrameAssigner): FrameSource {
  return {
    ...source,
    name: `${source.name}, behind ${quantiser.shape[0]} stages`,
    async *clip(index) {
      for await (const frames of source.clip(index)) yield subtract(frames, await assigner.assign(frames), quantiser);
    },
  };
}

function subtract(frames: Float32Array, codes: Int32Array, { codebooks, shape: [stages, size, width] }: ResidualQuantiser): Float32Array {
  const count = frames.length / width;
  const residuals = frames.slice();
  for (let stage = 0; stage < stages; stage++) {
    for (let i = 0; i < count; i++) {
      const entry = (stage * size + codes[stage * count + i]!) * width;
      for (let d = 0, at = i * width; d < width; d++) residuals[at + d] = residuals[at + d]! - codebooks[entry + d]!;
    }
  }
  return residuals;
}
