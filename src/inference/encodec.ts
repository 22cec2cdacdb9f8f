// EnCodec on an engine: waveforms in, codes out.
import { ConfigError, TooShortError } from "../base/errors.ts";
import { type EncodecConfig, encodecHop } from "../models/encodec/config.ts";
import { convolutions, encodecFrames, endingConvolutions, recurrent, shortFrames } from "../models/encodec/model.ts";
import type { Engine, Program, Session, WeightReader } from "../ops/program.ts";
import { type EncodecRow, encodeRows } from "./encodec-batch.ts";

/** The codes of one clip. */
export interface Codes {
  readonly codebooks: number;
  readonly frames: number;
  /** [codebooks, frames]. */
  readonly values: Int32Array;
}

export interface EncodecOptions {
  /** Codebooks to use; default 8, or all of a smaller model. 8 of the 24 kHz model's 32 are 6 kbit/s, MERT's choice. */
  readonly codebooks?: number;
  /** Clips of one batch; default 8. */
  readonly batch?: number;
  /** Frames of each clip that are computed, and held in memory, at a time; default 150. */
  readonly pieceFrames?: number;
}

/** Codes with the embeddings that were quantised. */
export interface EncodecCodes extends Codes {
  /** [frames, width]; where asked for. */
  readonly embeddings?: Float32Array;
}

/** EnCodec's encoder and quantiser on an engine. */
export interface Encodec {
  readonly config: EncodecConfig;
  /** A one-line description for stamps and reports. */
  readonly name: string;
  readonly codebooks: number;
  /** Entries of each codebook: codes are 0 … codebookSize − 1. */
  readonly codebookSize: number;
  readonly sampleRateHz: number;
  /** Frames a second. */
  readonly rateHz: number;
  /** Frames for a number of samples. */
  frameCount(samples: number): number;
  /** Waveforms are not normalised. @throws TooShortError for an empty clip. */
  encode(waveforms: readonly Float32Array[], options?: { readonly embeddings?: boolean }): Promise<EncodecCodes[]>;
  dispose(): Promise<void>;
}

/** Prepares EnCodec on an engine. `weights` are read under the names of `models/encodec`: see `encodecWeights`.
 *  @throws ConfigError for a number of codebooks that the checkpoint does not have, or a piece that is too short. */
export async function encodec(
  config: EncodecConfig,
  engine: Engine,
  weights: WeightReader,
  { codebooks = Math.min(8, config.codebooks), batch = 8, pieceFrames = 150 }: EncodecOptions = {},
): Promise<Encodec> {
  if (!(codebooks >= 1 && codebooks <= config.codebooks)) {
    throw new ConfigError(`${codebooks} codebooks were asked for; this checkpoint holds ${config.codebooks}.`);
  }
  const shortest = Math.max(shortFrames, config.lastKernel);
  if (!(pieceFrames >= shortest)) throw new ConfigError(`pieceFrames is ${pieceFrames}; it must be ${shortest} or more.`);
  const sessions = await prepareAll(engine, weights, {
    whole: convolutions(config),
    ending: endingConvolutions(config),
    first: recurrent(config, { codebooks, first: true }),
    next: recurrent(config, { codebooks, first: false }),
  });
  return {
    config,
    name: `EnCodec, the first ${codebooks} of ${config.codebooks} codebooks`,
    codebooks,
    codebookSize: config.codebookSize,
    sampleRateHz: config.sampleRateHz,
    rateHz: config.sampleRateHz / encodecHop(config),
    frameCount: (samples) => encodecFrames(config, samples),
    async encode(waveforms, { embeddings = false } = {}) {
      const rows = waveforms.map((waveform, clip): EncodecRow => {
        if (waveform.length === 0) throw new TooShortError(`Clip ${clip} is empty: it has no frame to encode.`);
        const frames = encodecFrames(config, waveform.length);
        return {
          waveform,
          frames,
          codes: new Int32Array(codebooks * frames),
          embeddings: embeddings ? new Float32Array(frames * config.width) : undefined,
        };
      });
      const byLength = [...rows].sort((a, b) => b.frames - a.frames);
      for (let i = 0; i < byLength.length; i += batch) await encodeRows(config, sessions, byLength.slice(i, i + batch), pieceFrames);
      return rows.map((row) => ({
        codebooks,
        frames: row.frames,
        values: row.codes,
        ...(row.embeddings && { embeddings: row.embeddings }),
      }));
    },
    async dispose() {
      for (const session of Object.values(sessions)) await session.dispose();
    },
  };
}

/** Prepares programs one after the other; where one fails, those before it are disposed of. */
async function prepareAll<K extends string>(
  engine: Engine,
  weights: WeightReader,
  programs: Record<K, Program>,
): Promise<Record<K, Session>> {
  const sessions: Partial<Record<K, Session>> = {};
  try {
    for (const key of Object.keys(programs) as K[]) sessions[key] = await engine.prepare(programs[key], weights);
    return sessions as Record<K, Session>;
  } catch (error) {
    for (const session of Object.values<Session | undefined>(sessions)) await session?.dispose();
    throw error;
  }
}
