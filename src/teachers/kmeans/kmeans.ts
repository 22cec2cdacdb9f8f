// k-means as in scikit-learn's MiniBatchKMeans: an engine assigns frames to centres, and the centres are updated here in float64.

import { ShapeError } from "../../base/errors.ts";
import { type HostTensor, hostTensor } from "../../base/host-tensor.ts";
import { nearestEntry } from "../../models/encodec/quantiser.ts";
import { type Engine, noWeights, type Program } from "../../ops/program.ts";

/** Cluster centres, and how many frames were assigned to each. */
export interface Clusters {
  readonly width: number;
  /** [clusters, width]. */
  readonly centres: Float64Array;
  /** [clusters]. */
  readonly counts: Float64Array;
}

/** Assigns frames to their nearest centres. */
export interface Assigner {
  /** frames [n, width] → the index of each frame's nearest centre, the first of equals: [n]. */
  assign(frames: Float32Array, clusters: Pick<Clusters, "width" | "centres">): Promise<Int32Array>;
  dispose(): Promise<void>;
}

/** Largest number of frames in one call of the engine: bounds the memory of [frames, clusters]. */
const mostFrames = 20_000;

export async function kmeansAssigner(engine: Engine, width: number): Promise<Assigner> {
  const program: Program = {
    name: "kmeans-assign",
    params: {},
    inputs: {
      frames: { dtype: "float32", shape: ["frames", width] },
      origin: { dtype: "float32", shape: [1, width] },
      centres: { dtype: "float32", shape: ["clusters", width] },
    },
    run: (ops, _, { frames, origin, centres }) => ({ labels: nearestEntry(ops, ops.sub(frames!, origin!), centres!) }),
  };
  const session = await engine.prepare(program, noWeights);
  return {
    async assign(frames, { centres }) {
      const count = frames.length / width;
      if (!Number.isInteger(count)) throw new ShapeError(`${frames.length} values are not frames of width ${width}.`);
      const { origin, around } = centred(centres, width);
      const labels = new Int32Array(count);
      for (let start = 0; start < count; start += mostFrames) {
        const chunk = frames.subarray(start * width, Math.min(count, start + mostFrames) * width);
        const answer = await session.run({ frames: hostTensor(chunk, [chunk.length / width, width]), origin, centres: around });
        labels.set(asInts(answer.labels!), start);
      }
      return labels;
    },
    dispose: () => session.dispose(),
  };
}

/** Centres around their mean: an offset common to all frames would cost their differences precision in float32. */
function centred(centres: Float64Array, width: number): { origin: HostTensor; around: HostTensor } {
  const clusters = centres.length / width;
  const origin = new Float32Array(width);
  for (let d = 0; d < width; d++) {
    let sum = 0;
    for (let k = 0; k < clusters; k++) sum += centres[k * width + d]!;
    origin[d] = sum / clusters;
  }
  const around = Float32Array.from(centres, (value, i) => value - origin[i % width]!);
  return { origin: hostTensor(origin, [1, width]), around: hostTensor(around, [clusters, width]) };
}

export function asInts({ bytes }: HostTensor): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** One mini-batch step: each centre becomes the mean of all frames ever assigned to it. Returns the batch's sum of squared distances before the
 *  step, as scikit-learn reports it. */
export function updateClusters({ width, centres, counts }: Clusters, frames: Float32Array, labels: Int32Array): number {
  const inertia = squaredDistances(frames, labels, centres, width);
  const sums = new Float64Array(centres.length);
  const members = new Float64Array(counts.length);
  for (let i = 0; i < labels.length; i++) {
    const k = labels[i]!;
    members[k] = members[k]! + 1;
    for (let d = 0, at = k * width, from = i * width; d < width; d++) sums[at + d] = sums[at + d]! + frames[from + d]!;
  }
  for (let k = 0; k < counts.length; k++) {
    if (members[k] === 0) continue; // reassignment_ratio 0: a centre without frames stays
    const before = counts[k]!;
    const after = before + members[k]!;
    for (let d = 0, at = k * width; d < width; d++) centres[at + d] = (centres[at + d]! * before + sums[at + d]!) / after;
    counts[k] = after;
  }
  return inertia;
}

/** The sum of squared distances between frames and their assigned centres. */
export function squaredDistances(frames: Float32Array, labels: Int32Array, centres: Float64Array, width: number): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    for (let d = 0, at = labels[i]! * width, from = i * width; d < width; d++) sum += (frames[from + d]! - centres[at + d]!) ** 2;
  }
  return sum;
}
