// Decoding in Node: in worker threads, so that the main thread stays free and a corrupt file can't end the process.
import { ConfigError, FormatError, NotFoundError, OstinatoError, TooShortError } from "../base/errors.ts";
import { type RunOptions, type ThrownInWorker, WorkerLostError, type WorkerPool, workerPool, workerUrl } from "../base/worker-pool.node.ts";
import type { CropOptions, DecodedAudio } from "./decode.ts";
import type { AudioInput, DecodedPart, DecodeJob, DecodeResult } from "./decode-job.ts";
import { type AudioFault, UnreadableAudioError } from "./faults.ts";
import type { Waveform } from "./waveform.ts";

export interface DecodeOptions extends CropOptions {
  /** Stops the decode; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Decodes a file, or an excerpt of it: wav, aiff, mp3, flac, ogg and opus directly, everything else through ffmpeg.
 *  @throws UnreadableAudioError whose `fault` says why there is no sound in it, NotFoundError, TooShortError when the excerpt
 *  begins after the end. */
export function decodeFile(path: string, options: DecodeOptions = {}): Promise<DecodedAudio> {
  return decodeInput({ path }, options);
}

/** Decodes the bytes of a file; `name` stands in messages. @throws as `decodeFile` does. */
export function decodeBytes(bytes: Uint8Array, options: DecodeOptions & { name?: string } = {}): Promise<DecodedAudio> {
  return decodeInput({ bytes, name: options.name ?? "memory" }, options);
}

async function decodeInput(input: AudioInput, { signal, ...crop }: DecodeOptions): Promise<DecodedAudio> {
  const { format, sourceSampleRateHz, channels, mends } = await runDecodeJob({ task: "decode", input, crop: cropOf(crop) }, { signal });
  return { format, sampleRateHz: sourceSampleRateHz, channels, mends };
}

/** Sound in pieces of a few seconds, in order. */
export interface AudioStream extends AsyncIterable<Waveform> {
  /** What was repaired or lost; complete once the iteration has ended. */
  readonly mends: string[];
}

/** Decodes hours in bounded memory: the worker is at most two pieces ahead of the reader.
 *  Iterating throws as `decodeFile` does. */
export function decodeStream(input: string | Uint8Array, options: DecodeOptions & { name?: string } = {}): AudioStream {
  const mends: string[] = [];
  const asInput: AudioInput = typeof input === "string" ? { path: input } : { bytes: input, name: options.name ?? "memory" };
  const job = { task: "stream", input: asInput, crop: cropOf(options) } as const;
  const onEnd = (result: DecodeResult) => mends.push(...result.mends);
  return { mends, [Symbol.asyncIterator]: () => streamParts(job, { signal: options.signal, onEnd }) };
}

/** The parts of a streaming job in order. `onEnd` is told the job's result, unless the reader stops early. */
export async function* streamParts(
  job: DecodeJob & { task: "stream" | "loadStream" },
  { signal, onEnd }: { readonly signal?: AbortSignal | undefined; readonly onEnd: (result: DecodeResult) => void },
): AsyncGenerator<DecodedPart> {
  const arrived: { part: DecodedPart; answer: (more: boolean) => void }[] = [];
  let wanted = true;
  let ended = false;
  let wake = () => {};
  const onPart = (part: DecodedPart) => {
    if (!wanted) return false;
    return new Promise<boolean>((answer) => {
      arrived.push({ part, answer });
      wake();
    });
  };
  const done = runDecodeJob(job, { onPart, signal });
  const settled = () => {
    ended = true;
    wake();
  };
  done.then(settled, settled);
  try {
    for (;;) {
      const next = arrived[0];
      if (next !== undefined) {
        yield next.part;
        arrived.shift();
        next.answer(true);
      } else if (ended) break;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    onEnd(await done);
  } finally {
    wanted = false;
    for (const { answer } of arrived) answer(false);
  }
}

let pool: WorkerPool<DecodeJob, DecodeResult, DecodedPart> | undefined;

/** Runs a job in the decoding workers, which the whole process shares. If the worker is lost, the error names the file. */
export async function runDecodeJob(job: DecodeJob, options: RunOptions<DecodedPart> = {}): Promise<DecodeResult> {
  pool ??= workerPool({ url: workerUrl(import.meta.url, "./decode-worker.node.js"), revive });
  try {
    return await pool.run(job, options);
  } catch (error) {
    if (!(error instanceof WorkerLostError)) throw error;
    const name = "path" in job.input ? job.input.path : job.input.name;
    throw new UnreadableAudioError("crashed", `${name} could not be decoded: ${error.message} The file is probably corrupt.`, {
      cause: error,
    });
  }
}

/** Only the excerpt of the options: an AbortSignal can't be sent to a worker. */
export function cropOf({ startSeconds, seconds }: CropOptions): CropOptions {
  return { ...(startSeconds !== undefined && { startSeconds }), ...(seconds !== undefined && { seconds }) };
}

function revive(thrown: ThrownInWorker): Error {
  const { name, message, fault } = thrown;
  if (fault !== undefined) return new UnreadableAudioError(fault as AudioFault, message);
  const Class = [NotFoundError, TooShortError, ConfigError, FormatError].find((candidate) => candidate.name === name) ?? OstinatoError;
  return new Class(message);
}
