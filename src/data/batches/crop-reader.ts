// Crop reader: reads and decodes crops of many recordings in worker threads.
import { availableParallelism } from "node:os";
import { WorkerLostError, workerPool, workerUrl } from "../../base/worker-pool.node.ts";
import type { CropAnswer, CropJob, CropRequest } from "./crop-job.ts";

export interface CropReader {
  /** Reads crops as one job of one worker. A crop that can't be read, or on which the worker dies or hangs, becomes a reason.
   *  @throws the signal's reason. */
  read(crops: readonly CropRequest[], signal?: AbortSignal): Promise<CropAnswer[]>;
  /** Ends the workers. */
  close(): Promise<void>;
}

export interface CropReaderOptions extends Omit<CropJob, "crops"> {
  /** Number of threads; default the number of cores. */
  readonly workers?: number | undefined;
}

/** Opens a reader with its own threads. */
export function openCropReader({ workers = availableParallelism(), ...about }: CropReaderOptions): CropReader {
  const pool = workerPool<CropJob, CropAnswer[]>({ url: workerUrl(import.meta.url, "./crop-worker.js"), size: workers });
  const read = async (crops: readonly CropRequest[], signal?: AbortSignal): Promise<CropAnswer[]> => {
    try {
      return await pool.run({ crops, ...about }, { signal });
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
      const [only] = crops;
      if (crops.length === 1) return [{ reason: `${only!.name} could not be decoded: ${error.message} The file is probably corrupt.` }];
      return (await Promise.all(crops.map((crop) => read([crop], signal)))).flat(); // one by one, to find the one at fault
    }
  };
  return { read, close: () => pool.close() };
}
