// Crop reader: crops of many recordings, read and decoded in worker threads.
import { availableParallelism } from "node:os";
import { WorkerLostError, workerPool, workerUrl } from "../../base/worker-pool.node.ts";
import type { CropAnswer, CropJob, CropRequest } from "./crop-job.ts";

export interface CropReader {
  /** Reads crops in one job of one worker. A crop that can't be read becomes its reason; so does one on which the worker dies or hangs.
   *  @throws the signal's reason. */
  read(crops: readonly CropRequest[], signal?: AbortSignal): Promise<CropAnswer[]>;
  /** Ends the workers. */
  close(): Promise<void>;
}

export interface CropReaderOptions extends Omit<CropJob, "crops"> {
  /** Threads; as many as the machine has cores when left out. */
  readonly workers?: number | undefined;
}

/** Opens a reader with threads of its own. */
export function openCropReader({ workers = availableParallelism(), ...about }: CropReaderOptions): CropReader {
  const pool = workerPool<CropJob, CropAnswer[]>({ url: workerUrl(import.meta.url, "./crop-worker.js"), size: workers });
  const read = async (crops: readonly CropRequest[], signal?: AbortSignal): Promise<CropAnswer[]> => {
    try {
      return await pool.run({ crops, ...about }, { signal });
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
      const [only] = crops;
      if (crops.length === 1) return [{ reason: `${only!.name} could not be decoded: ${error.message} The file is probably corrupt.` }];
      return (await Promise.all(crops.map((crop) => read([crop], signal)))).flat(); // which of them was it?
    }
  };
  return { read, close: () => pool.close() };
}
