// k-means++ (Arthur and Vassilvitskii 2007), greedy as scikit-learn has it: each new centre is the best of a few drawn by squared distance.
// Distances to the candidates are one product on the engine, where the sample lies as a weight.
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import type { Rng } from "../../base/random.ts";
import type { Engine, Program } from "../../ops/program.ts";

/** Centres [clusters, width] among the rows of `sample` [n, width]. */
export async function spreadCentres(
  engine: Engine,
  sample: Float32Array,
  width: number,
  clusters: number,
  rng: Rng,
): Promise<Float64Array> {
  const count = sample.length / width;
  const { values, squares } = aroundMean(sample, width);
  const program: Program = {
    name: "kmeans-candidates",
    params: { sample: { shape: [count, width], init: { constant: 0 } } },
    inputs: { candidates: { dtype: "float32", shape: ["candidates", width] } },
    run: (ops, params, { candidates }) => ({ products: ops.matmul(candidates!, ops.swapAxes(params.get("sample"), 0, 1)) }),
  };
  const session = await engine.prepare(program, { read: async () => hostTensor(values, [count, width]) });
  try {
    const trials = 2 + Math.floor(Math.log(clusters));
    const chosen = [Math.min(count - 1, Math.floor(rng() * count))];
    const nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    let potential = await take(chosen);
    while (chosen.length < clusters) {
      const drawn = Array.from({ length: trials }, () => rng() * potential).sort((a, b) => a - b);
      const best = await bestOf(rowsAt(nearest, drawn));
      chosen.push(best);
      potential = await take([best]);
    }
    return Float64Array.from({ length: clusters * width }, (_, i) => sample[chosen[Math.floor(i / width)]! * width + (i % width)]!);

    /** Products of candidates with every frame, [candidates, count]. */
    async function productsOf(rows: readonly number[]): Promise<Float32Array> {
      const candidates = new Float32Array(rows.length * width);
      rows.forEach((row, i) => {
        candidates.set(values.subarray(row * width, (row + 1) * width), i * width);
      });
      return toFloat32((await session.run({ candidates: hostTensor(candidates, [rows.length, width]) })).products!);
    }

    /** Makes a row a centre: what is left is the sum of squared distances to the nearest one. */
    async function take(rows: readonly number[]): Promise<number> {
      const products = await productsOf(rows);
      let left = 0;
      for (let i = 0; i < count; i++) {
        nearest[i] = Math.min(nearest[i]!, Math.max(0, squares[i]! + squares[rows[0]!]! - 2 * products[i]!));
        left += nearest[i]!;
      }
      return left;
    }

    /** The candidate that leaves least. */
    async function bestOf(rows: readonly number[]): Promise<number> {
      const products = await productsOf(rows);
      let [best, least] = [rows[0]!, Number.POSITIVE_INFINITY];
      rows.forEach((row, line) => {
        let left = 0;
        for (let i = 0, at = line * count; i < count; i++) {
          left += Math.min(nearest[i]!, Math.max(0, squares[i]! + squares[row]! - 2 * products[at + i]!));
        }
        if (left < least) [best, least] = [row, left];
      });
      return best;
    }
  } finally {
    await session.dispose();
  }
}

/** The rows at which the running sum of weights passes each of `targets`, which ascend. */
function rowsAt(weights: Float64Array, targets: readonly number[]): number[] {
  const rows: number[] = [];
  let sum = 0;
  for (let i = 0; i < weights.length && rows.length < targets.length; i++) {
    sum += weights[i]!;
    while (rows.length < targets.length && targets[rows.length]! < sum) rows.push(i);
  }
  while (rows.length < targets.length) rows.push(weights.length - 1); // the sum's last digit
  return rows;
}

function aroundMean(sample: Float32Array, width: number): { values: Float32Array; squares: Float64Array } {
  const count = sample.length / width;
  const mean = new Float64Array(width);
  for (let i = 0; i < sample.length; i++) mean[i % width] = mean[i % width]! + sample[i]! / count;
  const values = sample.map((value, i) => value - mean[i % width]!);
  const squares = new Float64Array(count);
  for (let i = 0; i < values.length; i++) squares[Math.floor(i / width)]! += values[i]! ** 2;
  return { values, squares };
}
