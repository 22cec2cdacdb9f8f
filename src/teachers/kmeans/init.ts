// k-means++ (Arthur and Vassilvitskii 2007), greedy as in scikit-learn: of a few candidates drawn by squared distance, the best becomes the next
// centre. Distances to the candidates are one matrix product on the engine, with the sample as a weight.
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import type { Rng } from "../../base/random.ts";
import type { Engine, Program, Session } from "../../ops/program.ts";

/** The sample around its mean, and each frame's squared distance to the nearest centre so far. */
interface Spread {
  readonly session: Session;
  readonly width: number;
  readonly count: number;
  /** [count, width]. */
  readonly values: Float32Array;
  /** Squared norms of the values: [count]. */
  readonly squares: Float64Array;
  /** [count]; infinite before the first centre. */
  readonly nearest: Float64Array;
}

/** Centres [clusters, width] among the rows of `sample` [n, width]. */
export async function spreadCentres(
  engine: Engine,
  sample: Float32Array,
  width: number,
  clusters: number,
  rng: Rng,
): Promise<Float64Array> {
  const spread = await beginSpread(engine, sample, width);
  try {
    const { count, nearest } = spread;
    const trials = 2 + Math.floor(Math.log(clusters));
    const chosen = [Math.min(count - 1, Math.floor(rng() * count))];
    let potential = await addCentre(spread, chosen[0]!);
    while (chosen.length < clusters) {
      const drawn = Array.from({ length: trials }, () => rng() * potential).sort((a, b) => a - b);
      const best = await bestCandidate(spread, rowsAt(nearest, drawn));
      chosen.push(best);
      potential = await addCentre(spread, best);
    }
    return Float64Array.from({ length: clusters * width }, (_, i) => sample[chosen[Math.floor(i / width)]! * width + (i % width)]!);
  } finally {
    await spread.session.dispose();
  }
}

async function beginSpread(engine: Engine, sample: Float32Array, width: number): Promise<Spread> {
  const count = sample.length / width;
  const { values, squares } = aroundMean(sample, width);
  const program: Program = {
    name: "kmeans-candidates",
    params: { sample: { shape: [count, width], init: { constant: 0 } } },
    inputs: { candidates: { dtype: "float32", shape: ["candidates", width] } },
    run: (ops, params, { candidates }) => ({ products: ops.matmul(candidates!, ops.swapAxes(params.get("sample"), 0, 1)) }),
  };
  const session = await engine.prepare(program, { read: async () => hostTensor(values, [count, width]) });
  return { session, width, count, values, squares, nearest: new Float64Array(count).fill(Number.POSITIVE_INFINITY) };
}

/** Products of some rows with every frame: [rows, count]. */
async function productsOf({ session, values, width }: Spread, rows: readonly number[]): Promise<Float32Array> {
  const candidates = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) candidates.set(values.subarray(row * width, (row + 1) * width), i * width);
  return toFloat32((await session.run({ candidates: hostTensor(candidates, [rows.length, width]) })).products!);
}

/** Squared distance of two points from their squared norms and their product. */
function squaredDistance(first: number, second: number, product: number): number {
  return Math.max(0, first + second - 2 * product);
}

/** Makes a row a centre. Returns the sum of squared distances that remains. */
async function addCentre(spread: Spread, row: number): Promise<number> {
  const products = await productsOf(spread, [row]);
  const { count, squares, nearest } = spread;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    nearest[i] = Math.min(nearest[i]!, squaredDistance(squares[i]!, squares[row]!, products[i]!));
    sum += nearest[i]!;
  }
  return sum;
}

/** The row that would leave the least sum of squared distances. */
async function bestCandidate(spread: Spread, rows: readonly number[]): Promise<number> {
  const products = await productsOf(spread, rows); // [rows, count]
  const { count, squares, nearest } = spread;
  let [best, least] = [rows[0]!, Number.POSITIVE_INFINITY];
  for (const [line, row] of rows.entries()) {
    let sum = 0;
    for (let i = 0, at = line * count; i < count; i++) {
      sum += Math.min(nearest[i]!, squaredDistance(squares[i]!, squares[row]!, products[at + i]!));
    }
    if (sum < least) [best, least] = [row, sum];
  }
  return best;
}

/** The rows at which the running sum of weights exceeds each of `targets`, which ascend. */
function rowsAt(weights: Float64Array, targets: readonly number[]): number[] {
  const rows: number[] = [];
  let sum = 0;
  for (let i = 0; i < weights.length && rows.length < targets.length; i++) {
    sum += weights[i]!;
    while (rows.length < targets.length && targets[rows.length]! < sum) rows.push(i);
  }
  while (rows.length < targets.length) rows.push(weights.length - 1); // rounding may leave a target above the sum
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
