// Our own residual quantiser: k-means, then k-means on what it leaves over, and so on. It serves where no EnCodec weights are at hand, under
// its own name: codes of the two have nothing in common but their shape.

import { ConfigError } from "../../base/errors.ts";
import { type HostTensor, hostTensor } from "../../base/host-tensor.ts";
import { residualCodes } from "../../models/encodec/quantiser.ts";
import { type Engine, noWeights, type Program } from "../../ops/program.ts";
import type { FrameSource } from "../features/frame-source.ts";
import { asInts } from "../kmeans/kmeans.ts";
import { type KMeansOptions, type KMeansState, trainKMeans } from "../kmeans/train.ts";

export interface ResidualQuantiser {
  readonly features: string;
  readonly seed: number;
  /** [stages, size, width]. */
  readonly codebooks: Float32Array;
  readonly shape: readonly [stages: number, size: number, width: number];
  /** Inertia a frame behind each stage, on the last batch it saw. */
  readonly inertias: readonly number[];
}

export interface RvqOptions extends Omit<KMeansOptions, "clusters"> {
  /** Codebooks; 8 as MERT takes of EnCodec. */
  readonly stages?: number;
  /** Codes of each; 1024. */
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

/** Trains stage by stage. @throws as `trainKMeans` does. */
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
      `The run to resume is another's (${quantiser.features}, ${quantiser.shape[1]} codes, seed ${quantiser.seed}). Remove it, or train under another name.`,
    );
  }
  for (let stage = quantiser.shape[0]; stage < stages; stage++) {
    const codes = stage > 0 ? await residualAssigner(engine, quantiser) : undefined;
    try {
      const left = codes ? residualSource(source, quantiser, codes) : source;
      const kmeans = { ...options, clusters: size, seed: options.seed + stage };
      const begun = resume?.stage?.features === left.name ? resume.stage : undefined;
      const last = await trainKMeans(left, engine, kmeans, { resume: begun, ...(onPool && { onPool }) });
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

/** Codes of frames by the quantiser. */
export interface ResidualAssigner {
  /** frames [n, width] → [stages, n]. */
  assign(frames: Float32Array): Promise<Int32Array>;
  dispose(): Promise<void>;
}

export async function residualAssigner(engine: Engine, { codebooks, shape }: ResidualQuantiser): Promise<ResidualAssigner> {
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
        const part = frames.subarray(start * width, Math.min(count, start + mostFrames) * width);
        const size = part.length / width;
        const codes = asInts((await session.run({ frames: hostTensor(part, [1, size, width]) })).codes!);
        for (let stage = 0; stage < stages; stage++) out.set(codes.subarray(stage * size, (stage + 1) * size), stage * count + start);
      }
      return out;
    },
    dispose: () => session.dispose(),
  };
}

/** Frames of one call to the engine. */
const mostFrames = 8192;

/** What the quantiser leaves of a source's frames. */
function residualSource(source: FrameSource, quantiser: ResidualQuantiser, assigner: ResidualAssigner): FrameSource {
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
  const left = frames.slice();
  for (let stage = 0; stage < stages; stage++) {
    for (let i = 0; i < count; i++) {
      const entry = (stage * size + codes[stage * count + i]!) * width;
      for (let d = 0, at = i * width; d < width; d++) left[at + d] = left[at + d]! - codebooks[entry + d]!;
    }
  }
  return left;
}
