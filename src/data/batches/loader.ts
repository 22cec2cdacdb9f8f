// Loader: a plan's batches from files, decoded ahead of the training step in worker threads.
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { runAhead } from "../../base/ahead.ts";
import { AudioError } from "../../base/errors.ts";
import type { LabelSet } from "../labels/label-set.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { type BadClip, type Batch, type BatchLabels, makeBatch } from "./batch.ts";
import { openCropReader } from "./crop-reader.ts";
import { type Plan, type RankOptions, rankBatches } from "./plan.ts";

/** Who reads the batches: how many threads, how far ahead, and for which rank. */
export interface LoaderOptions extends RankOptions {
  /** Threads that decode; as many as there are cores when left out. */
  readonly workers?: number | undefined;
  /** Batches that are read before they are asked for: memory holds one more than this. */
  readonly ahead?: number | undefined;
  /** Ends the loader: the next batch rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** So many batches of a row without one readable clip end the run. */
const emptyBatches = 8;

/** A rank's batches of a plan, in order. A clip that can't be read is left out of its batch and named in it; a batch of which nothing is
 *  left is replaced by one that follows it in the plan, so that every rank gets as many batches whatever its files are like. Workers go
 *  on while the thread that takes the batches computes; leaving the loop ends them.
 *  @throws AudioError when eight batches in a row hold no readable clip, ConfigError when labels end before a crop does. */
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

  // Failures are values here, so that those of batches which nobody will ask for stay silent.
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

/** A step may compute for seconds without letting go of its thread: what workers have sent meanwhile comes in here. */
export function eventsHandled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A controller that is aborted with `signal`, and by itself. */
export function stopWith(signal: AbortSignal | undefined): AbortController {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // one a job
  if (signal?.aborted) stop.abort(signal.reason);
  signal?.addEventListener("abort", () => stop.abort(signal.reason), { once: true, signal: stop.signal });
  return stop;
}
