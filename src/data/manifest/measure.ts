// Measuring: the length of a recording at the corpus's rate, from its header where that says it, otherwise by decoding.
import type { AudioFormat } from "../../audio/audio-reader.ts";
import { decodeStream } from "../../audio/decode.node.ts";
import { UnreadableAudioError } from "../../audio/faults.ts";
import { loadAudio, probeAudio } from "../../audio/load.node.ts";
import { encodeWav } from "../../audio/wav.ts";
import { isSilent } from "../../audio/waveform.ts";
import { NotFoundError, OstinatoError } from "../../base/errors.ts";
import { writeAtomic } from "../../base/files.node.ts";
import type { FileFault } from "./find-audio.ts";

/** Facts about a recording. */
export interface Measured {
  readonly format: AudioFormat;
  readonly sourceSampleRateHz: number;
  readonly channels: number;
  /** Samples after resampling to the corpus's rate. */
  readonly samples: number;
  /** Every sample is 0; known only of decoded files. */
  readonly silent?: true;
  /** What was repaired or lost, in sentences. */
  readonly mends: readonly string[];
}

export interface MeasureOptions {
  /** The corpus's rate. */
  readonly sampleRateHz: number;
  /** Decode the whole file even where the header says the length: this finds corrupt frames and silence. */
  readonly decode?: boolean;
  /** Where to write the recording as mono 16-bit wav at the corpus's rate. */
  readonly convertTo?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Measures a recording. @throws UnreadableAudioError and other errors of this library where it holds no usable audio, and the system's errors where
 *  writing a copy fails. */
export async function measure(path: string, options: MeasureOptions): Promise<Measured> {
  const { sampleRateHz, decode = false, convertTo, signal } = options;
  if (convertTo !== undefined) return convert(path, convertTo, sampleRateHz, signal);
  const facts = await probeAudio(path);
  const shape = { format: facts.format, sourceSampleRateHz: facts.sampleRateHz, channels: facts.channels };
  const scaled = (samples: number) => Math.ceil((samples * sampleRateHz) / facts.sampleRateHz);
  if (!decode && facts.samples !== undefined) {
    if (facts.samples === 0) throw noSamples(path, facts.format);
    return { ...shape, samples: scaled(facts.samples), mends: facts.mends };
  }
  const stream = decodeStream(path, { signal });
  let [samples, silent] = [0, true];
  for await (const piece of stream) {
    samples += piece.channels[0]?.length ?? 0;
    silent &&= isSilent(piece, 0);
  }
  if (samples === 0) throw noSamples(path, facts.format);
  return { ...shape, samples: scaled(samples), ...(silent && { silent }), mends: stream.mends };
}

async function convert(path: string, to: string, sampleRateHz: number, signal: AbortSignal | undefined): Promise<Measured> {
  const audio = await loadAudio(path, { sampleRateHz, signal });
  const channels = [audio.samples];
  await writeAtomic(to, encodeWav({ sampleRateHz, channels }));
  return {
    format: audio.format,
    sourceSampleRateHz: audio.sourceSampleRateHz,
    channels: audio.sourceChannels,
    samples: audio.samples.length,
    ...(isSilent({ channels }, 0) && { silent: true as const }),
    mends: audio.mends.filter((mend) => !mend.startsWith("silent")), // `silent` says it
  };
}

function noSamples(path: string, format: AudioFormat): UnreadableAudioError {
  return new UnreadableAudioError("empty", `${path} is ${format} without any samples. Fetch or export it again.`);
}

/** The fault of a file that an error reports. @throws the error itself where the file is not the cause: a full disk, a bug. */
export function audioFault(path: string, error: unknown): FileFault {
  if (error instanceof UnreadableAudioError) return { path, fault: error.fault, message: error.message };
  if (error instanceof NotFoundError) return { path, fault: "missing", message: error.message };
  if (error instanceof OstinatoError) return { path, fault: "unreadable", message: error.message };
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return { path, fault: "no permission", message: (error as Error).message };
  if (code === "EIO" || code === "EISDIR") return { path, fault: "unreadable", message: (error as Error).message };
  throw error;
}
