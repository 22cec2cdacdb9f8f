// Training k-means on a stream: MiniBatchKMeans with HuBERT's settings, in memory that doesn't grow with the corpus, and with a state from which
// a stopped run resumes to the same result.
//
// scikit-learn draws each batch from all frames. Here frames are read clip by clip in a random order into shuffled pools of a dozen batches,
// and each pool is cut into batches; a corpus that fits one pool is read once.
import { ConfigError } from "../../base/errors.ts";
import { seeded } from "../../base/random.ts";
import type { Engine } from "../../ops/program.ts";
import { drawRows, type FrameSource, mixSeed, type Pool, type Position, pools, shuffleRows } from "../features/frame-source.ts";
import { spreadCentres } from "./init.ts";
import { type Assigner, type Clusters, kmeansAssigner, squaredDistances, updateClusters } from "./kmeans.ts";

export interface KMeansOptions {
  readonly clusters: number;
  readonly seed: number;
  /** Frames of a step; default 10000, as HuBERT's. */
  readonly batch?: number;
  /** Largest number of passes over the corpus; default 100, as HuBERT's. */
  readonly maxPasses?: number;
  /** Training ends after this many steps without a lower smoothed inertia; default 100, as HuBERT's. */
  readonly patience?: number;
  /** Starts that k-means++ tries; default 20, as HuBERT's. */
  readonly starts?: number;
  /** Batches of a pool; default 12. */
  readonly poolBatches?: number;
}

/** The whole state of a run, from which training resumes. */
export interface KMeansState extends Clusters {
  readonly features: string;
  readonly seed: number;
  readonly steps: number;
  readonly position: Position;
  /** Smoothed inertia a frame, the least so far, and the number of steps since; undefined before the second step. */
  readonly smoothed: number | undefined;
  readonly least: number | undefined;
  readonly idle: number;
  /** Inertia a frame of the last batch. */
  readonly inertia: number;
  readonly finished: false | "no improvement" | "passes";
}

export interface TrainHooks {
  /** The state to resume from. */
  readonly resume?: KMeansState | undefined;
  /** Called after each pool and awaited, so that it may write the state. */
  readonly onPool?: (state: KMeansState) => Promise<void> | void;
}

/** Trains to the end. @throws ConfigError where the corpus has fewer frames than clusters, or the state is another run's. */
export async function trainKMeans(
  source: FrameSource,
  engine: Engine,
  options: KMeansOptions,
  { resume, onPool }: TrainHooks = {},
): Promise<KMeansState> {
  const { clusters, seed, batch = 10_000, maxPasses = 100, patience = 100, poolBatches = 12 } = options;
  if (source.totalFrames < clusters) {
    throw new ConfigError(`${source.totalFrames} frames can't make ${clusters} clusters. Give more audio or ask for fewer.`);
  }
  if (resume) checkResume(resume, source, options);
  if (resume?.finished) return resume;
  const assigner = await kmeansAssigner(engine, source.width);
  try {
    const poolFrames = Math.max(batch * poolBatches, 3 * clusters);
    const smoothing = Math.min(1, (2 * batch) / (source.totalFrames + 1));
    let state = resume;
    for await (const pool of poolsFrom(source, poolFrames, seed, state?.position)) {
      state ??= await begin(pool, source, engine, assigner, options);
      let { steps, smoothed, least, idle, inertia } = state;
      let finished: KMeansState["finished"] = false;
      for (const frames of cut(pool.frames, source.width, batch)) {
        const labels = await assigner.assign(frames, state);
        inertia = updateClusters(state, frames, labels) / labels.length;
        steps++;
        if (steps === 1) continue; // the inertia of the initial centres is not comparable
        smoothed = smoothed === undefined ? inertia : smoothed * (1 - smoothing) + inertia * smoothing;
        if (least === undefined || smoothed < least) [least, idle] = [smoothed, 0];
        else idle++;
        if (idle >= patience) {
          finished = "no improvement";
          break;
        }
      }
      if (!finished && pool.next.pass >= maxPasses) finished = "passes";
      state = { ...state, steps, smoothed, least, idle, inertia, finished, position: pool.next };
      await onPool?.(state);
      if (finished) return state;
    }
    throw new ConfigError(`${source.name}: the frames ended.`); // not reached: pools have no end
  } finally {
    await assigner.dispose();
  }
}

/** Pools of the source; one that holds all frames is reshuffled instead of read again. */
async function* poolsFrom(source: FrameSource, poolFrames: number, seed: number, from: Position | undefined): AsyncGenerator<Pool> {
  if (source.totalFrames > poolFrames) {
    yield* pools(source, { poolFrames, seed, ...(from && { from }) });
    return;
  }
  for await (const pool of pools(source, { poolFrames, seed })) {
    const shuffled = new Float32Array(pool.frames.length);
    for (let pass = from?.pass ?? 0; ; pass++) {
      shuffled.set(pool.frames); // always from the same order, so that a pass depends on the seed and its number alone
      shuffleRows(shuffled, source.width, mixSeed(seed, pass, 7));
      yield { frames: shuffled, next: { pass: pass + 1, clip: 0, frame: 0 } };
    }
  }
}

/** A pool's frames in batches of at least `batch`, of about equal size. */
function* cut(frames: Float32Array, width: number, batch: number): Generator<Float32Array> {
  const count = frames.length / width;
  const batches = Math.max(1, Math.floor(count / batch));
  for (let i = 0; i < batches; i++) {
    yield frames.subarray(Math.floor((i * count) / batches) * width, Math.floor(((i + 1) * count) / batches) * width);
  }
}

/** The best of several starts, each initialised on its own sample of the first pool and compared on a common one. scikit-learn compares the
 *  initial centres; here a few full steps come first, which with few frames a cluster lowers the final inertia by several percent. */
async function begin(pool: Pool, source: FrameSource, engine: Engine, assigner: Assigner, options: KMeansOptions): Promise<KMeansState> {
  const { clusters, seed, batch = 10_000, starts = 20 } = options;
  const { width } = source;
  const sampleFrames = Math.min(pool.frames.length / width, Math.max(3 * batch, 3 * clusters));
  const common = drawRows(pool.frames, width, sampleFrames, mixSeed(seed, 1));
  let best: { centres: Float64Array; inertia: number } | undefined;
  for (let start = 0; start < starts; start++) {
    const sample = drawRows(pool.frames, width, sampleFrames, mixSeed(seed, 2, start));
    const centres = await spreadCentres(engine, sample, width, clusters, seeded(mixSeed(seed, 3, start)));
    await settle(assigner, sample, { width, centres });
    const inertia = squaredDistances(common, await assigner.assign(common, { width, centres }), centres, width);
    if (!best || inertia < best.inertia) best = { centres, inertia };
  }
  return {
    width,
    centres: best!.centres,
    counts: new Float64Array(clusters),
    features: source.name,
    seed,
    steps: 0,
    position: { pass: 0, clip: 0, frame: 0 },
    smoothed: undefined,
    least: undefined,
    idle: 0,
    inertia: best!.inertia / sampleFrames,
    finished: false,
  };
}

/** Full steps over one sample (Lloyd 1982): at most ten, until one gains less than a thousandth. */
async function settle(assigner: Assigner, sample: Float32Array, { width, centres }: Pick<Clusters, "width" | "centres">): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  for (let step = 0; step < 10; step++) {
    const labels = await assigner.assign(sample, { width, centres });
    const inertia = updateClusters({ width, centres, counts: new Float64Array(centres.length / width) }, sample, labels);
    if (inertia > before * 0.999) return;
    before = inertia;
  }
}

function checkResume(state: KMeansState, source: FrameSource, { clusters, seed }: KMeansOptions): void {
  const differ = [
    ["features", state.features, source.name],
    ["clusters", state.counts.length, clusters],
    ["seed", state.seed, seed],
    ["width", state.width, source.width],
  ].find(([, resumed, wanted]) => resumed !== wanted);
  if (differ) {
    throw new ConfigError(
      `The run to resume has ${differ[0]} ${differ[1]}, this one ${differ[2]}. Train under another name, or remove it.`,
    );
  }
}
