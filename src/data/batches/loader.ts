// Loader: a plan's batches from files, decoded in worker threads ahead of the training step.
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { runAhead } from "../../base/ahead.ts";
import { AudioError } from "../../base/errors.ts";
import type { LabelSet } from "../labels/label-set.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { type BadClip, type Batch, type BatchLabels, makeBatch } from "./batch.ts";
import { openCropReader } from "./crop-reader.ts";
import { type Plan, type RankOptions, rankBatches } from "./plan.ts";

/** Worker threads, prefetching, and the rank that loads. */
export interface LoaderOptions extends RankOptions {
  /** Threads that decode; default the number of cores. */
  readonly workers?: number | undefined;
  /** Batches that are prefetched: memory holds one more than this. */
  readonly ahead?: number | undefined;
  /** Stops the loader: the next batch rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Consecutive batches without a readable clip after which the loader gives up. */
const emptyBatches = 8;

/** A rank's batches of a plan, in order. A clip that can't be read is left out of its batch and listed in `bad`; a batch without any readable
 *  clip is replaced by the next one of the plan, so that all ranks get the same number of batches. Workers read on while the consuming thread
 *  computes; leaving the loop ends them.
 *  @throws AudioError when eight consecutive batches hold no readable clip, ConfigError when labels end before a crop begins. */
export async function* loadBatches(
  { manifest, labels }: { readonly manifest: Manifest; readonly labels?: LabelSet | undefined },
  plan: Plan,
  { workers, ahead = 4, signal, ...rank }: LoaderOptions = {},
): AsyncGenerator<Batch> {
  const { sampleRateHz, root, clips } = manifest;
  const reader = openCropReader({ sampleRateHz, workers });
  const labelsOf = (rows: readonly number[]): BatchLabels | undefined =>
    labels && {
      codebooks: labels.stamp.codebooks,
      rateHz: labels.stamp.rateHz,
      frames: (row) => labels.frames(rows[row]!),
      read: (row, start, count) => labels.read(rows[row]!, start, count),
    };
  const pathOf = (clip: number) => clips[clip]!.path;
  const stop = stopWith(signal);

  const read = async (number: number): Promise<Batch> => {
    const bad: BadClip[] = [];
    for (let skipped = 0; skipped < emptyBatches; skipped++) {
      const planned = plan.at(number + skipped);
      const crops = await reader.read(
        planned.clips.map((clip, i) => {
          const file = join(root, pathOf(clip));
          return { file, name: file, start: planned.starts[i]!, samples: planned.samples };
        }),
        stop.signal,
      );
      const batch = makeBatch({ planned, crops, pathOf, sampleRateHz, labels: labelsOf(planned.clips) });
      bad.push(...batch.bad);
      if ("waveforms" in batch) return { ...batch, number, bad };
    }
    throw new AudioError(
      `None of the ${bad.length} clips of ${emptyBatches} batches could be read; the first: ${bad[0]?.reason} Is ${root} the folder they lie in?`,
    );
  };

  const settled = runAhead(rankBatches(rank), ahead, (number) =>
    read(number).then(
      (batch) => ({ batch }),
      (error: unknown) => ({ error }),
    ),
  );
  try {
    for (;;) {
      const { value: result, done } = await settled.next();
      if (done) return;
      if ("error" in result) throw result.error;
      await eventsHandled();
      yield result.batch;
    }
  } finally {
    stop.abort(new AudioError("The loader was closed."));
    await settled.return(undefined);
    await reader.close();
  }
}

/** Lets the event loop run once. A training step may block its thread for seconds; the workers' messages of that time are received here. */
export function eventsHandled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A controller that is aborted together with `signal`, or on its own. */
export function stopWith(signal: AbortSignal | undefined): AbortController {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // one listener a job
  if (signal?.aborted) stop.abort(signal.reason);
  signal?.addEventListener("abort", () => stop.abort(signal.reason), { once: true, signal: stop.signal });
  return stop;
}
