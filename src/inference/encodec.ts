// EnCodec on an engine: waveforms in, codes out. Clips of any lengths share a batch and long ones go piece by piece, both exactly.

import { ConfigError, TooShortError } from "../base/errors.ts";
import { type HostTensor, hostTensor, int32Vector, toFloat32 } from "../base/host-tensor.ts";
import { type EncodecConfig, encodecHop } from "../models/encodec/config.ts";
import {
  contextFrames,
  convolutions,
  encodecFrames,
  endingConvolutions,
  lengthInputs,
  recurrent,
  shortFrames,
  strideLengths,
} from "../models/encodec/model.ts";
import type { Engine, Session, Values, WeightReader } from "../ops/program.ts";

/** The codes of one clip. */
export interface Codes {
  readonly codebooks: number;
  readonly frames: number;
  /** [codebooks, frames]. */
  readonly values: Int32Array;
}

export interface EncodecOptions {
  /** Codebooks to answer with: 8 of 24 kHz EnCodec's 32 are 6 kbit/s, MERT's choice. */
  readonly codebooks?: number;
  /** Clips of one batch. */
  readonly batch?: number;
  /** Frames of one piece: how much of each clip is in memory at a time. */
  readonly pieceFrames?: number;
}

/** Codes, and what was quantised. */
export interface EncodecCodes extends Codes {
  /** [frames, width]; where asked for. */
  readonly embeddings?: Float32Array;
}

/** EnCodec's encoder and quantiser on an engine. */
export interface Encodec {
  readonly config: EncodecConfig;
  /** What makes the codes, in a line: for stamps and reports. */
  readonly name: string;
  readonly codebooks: number;
  /** Codes of each codebook: values lie from 0 up to it. */
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

/** A clip under way. */
interface Row {
  readonly clip: number;
  readonly waveform: Float32Array;
  readonly frames: number;
  readonly codes: Int32Array;
  readonly embeddings: Float32Array | undefined;
}

/** Makes EnCodec ready on an engine. `weights` are read under `models/encodec`'s names: see `encodecWeights`. */
export async function encodec(
  config: EncodecConfig,
  engine: Engine,
  weights: WeightReader,
  { codebooks = Math.min(8, config.codebooks), batch = 8, pieceFrames = 150 }: EncodecOptions = {},
): Promise<Encodec> {
  if (codebooks < 1 || codebooks > config.codebooks) {
    throw new ConfigError(`${codebooks} codebooks were asked for; this checkpoint holds ${config.codebooks}.`);
  }
  if (pieceFrames < Math.max(shortFrames, config.lastKernel)) throw new ConfigError(`A piece of ${pieceFrames} frames is too short.`);
  const hop = encodecHop(config);
  const prepared: Session[] = [];
  const ready = async (...program: Parameters<Engine["prepare"]>) => {
    const session = await engine.prepare(...program);
    prepared.push(session);
    return session;
  };
  const whole = await ready(convolutions(config), weights);
  const ending = await ready(endingConvolutions(config), weights);
  const first = await ready(recurrent(config, { codebooks, first: true }), weights);
  const next = await ready(recurrent(config, { codebooks, first: false }), weights);

  /** Features before the LSTM of frames from `start` on, [rows, frames, channels]. */
  async function features(rows: readonly Row[], start: number, frames: number): Promise<HostTensor> {
    const wholeFrames = ({ waveform }: Row) => Math.floor(waveform.length / hop);
    const short = (row: Row) => wholeFrames(row) < shortFrames;
    const from = start === 0 ? 0 : start - contextFrames;
    const long = rows.filter((row) => !short(row) && wholeFrames(row) > start);
    const ends = rows.filter((row) => row.frames <= start + frames && (short(row) || row.frames > wholeFrames(row)));
    const parts = await Promise.all([
      long.length > 0 ? runWhole(long, from * hop, Math.max(shortFrames, start + frames - from)) : undefined,
      ends.length > 0 ? runEnding(ends) : undefined,
    ]);
    const channels = (parts[0] ?? parts[1])!.channels;
    const out = new Float32Array(rows.length * frames * channels);
    rows.forEach((row, i) => {
      const at = i * frames * channels;
      const piece = parts[0];
      const line = long.indexOf(row);
      if (piece && line >= 0) {
        const begin = (line * piece.frames + start - from) * channels;
        out.set(piece.values.subarray(begin, begin + Math.min(frames, wholeFrames(row) - start) * channels), at);
      }
      const end = parts[1];
      const endLine = ends.indexOf(row);
      if (end && endLine >= 0) {
        const kept = short(row) ? row.frames : 1; // of a longer clip, its last frame alone
        const lastFrame = short(row) ? row.frames : contextFrames + 1;
        const begin = (endLine * end.frames + lastFrame - kept) * channels;
        out.set(end.values.subarray(begin, begin + kept * channels), at + (row.frames - kept - start) * channels);
      }
    });
    return hostTensor(out, [rows.length, frames, channels]);
  }

  async function runWhole(rows: readonly Row[], fromSample: number, frames: number) {
    const samples = frames * hop;
    const x = new Float32Array(rows.length * samples);
    rows.forEach(({ waveform }, i) => {
      x.set(waveform.subarray(fromSample, fromSample + samples), i * samples);
    });
    return shaped((await whole.run({ x: hostTensor(x, [rows.length, samples]) })).features!);
  }

  /** Ends of clips, or whole clips too short for anything else: at most `shortFrames` frames each. */
  async function runEnding(rows: readonly Row[]) {
    const samples = shortFrames * hop;
    const x = new Float32Array(rows.length * samples);
    const lengths = rows.map(({ waveform, frames }, i) => {
      const end = waveform.subarray(Math.max(0, frames - shortFrames) * hop);
      x.set(end, i * samples);
      return strideLengths(config, end.length);
    });
    const inputs: Values = { x: hostTensor(x, [rows.length, samples]) };
    lengthInputs(config).forEach((name, stage) => {
      inputs[name] = int32Vector(lengths.map((length) => length[stage]!));
    });
    return shaped((await ending.run(inputs)).features!);
  }

  async function encodeRows(rows: readonly Row[]): Promise<void> {
    const longest = Math.max(...rows.map((row) => row.frames));
    let live = rows;
    let state: Values = {};
    for (let start = 0; start < longest; start += pieceFrames) {
      const remaining = live.filter((row) => row.frames > start);
      if (remaining.length < live.length) {
        const kept = remaining.map((row) => live.indexOf(row));
        state = Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, takeRows(tensor, kept)]));
        live = remaining;
      }
      const frames = Math.min(pieceFrames, Math.max(...live.map((row) => row.frames)) - start);
      const inputs = { features: await features(live, start, frames) };
      const { embeddings, codes, ...after } =
        start === 0
          ? await first.run({ ...inputs, frames: int32Vector(live.map((row) => row.frames)) })
          : await next.run({ ...inputs, ...state });
      state = Object.fromEntries(Object.entries(after).map(([name, tensor]) => [name.replace("next_", ""), tensor]));
      live.forEach((row, i) => {
        keep(row, i, start, frames, codes!, embeddings!);
      });
    }
  }

  function keep(row: Row, line: number, start: number, frames: number, codes: HostTensor, embeddings: HostTensor): void {
    const count = Math.min(frames, row.frames - start);
    const found = new Int32Array(codes.bytes.buffer, codes.bytes.byteOffset, codes.bytes.byteLength / 4);
    for (let book = 0; book < codebooks; book++) {
      const begin = (line * codebooks + book) * frames;
      row.codes.set(found.subarray(begin, begin + count), book * row.frames + start);
    }
    const begin = line * frames * config.width;
    row.embeddings?.set(toFloat32(embeddings).subarray(begin, begin + count * config.width), start * config.width);
  }

  return {
    config,
    name: `EnCodec, the first ${codebooks} of ${config.codebooks} codebooks`,
    codebooks,
    codebookSize: config.codebookSize,
    sampleRateHz: config.sampleRateHz,
    frameCount: (samples) => encodecFrames(config, samples),
    rateHz: config.sampleRateHz / hop,
    async encode(waveforms, { embeddings = false } = {}) {
      const rows = waveforms.map((waveform, clip): Row => {
        if (waveform.length === 0) throw new TooShortError(`Clip ${clip} is empty: it has no frame to encode.`);
        const frames = encodecFrames(config, waveform.length);
        return {
          clip,
          waveform,
          frames,
          codes: new Int32Array(codebooks * frames),
          embeddings: embeddings ? new Float32Array(frames * config.width) : undefined,
        };
      });
      const byLength = [...rows].sort((a, b) => b.frames - a.frames);
      for (let i = 0; i < byLength.length; i += batch) await encodeRows(byLength.slice(i, i + batch));
      return rows.map((row) => ({
        codebooks,
        frames: row.frames,
        values: row.codes,
        ...(row.embeddings && { embeddings: row.embeddings }),
      }));
    },
    async dispose() {
      for (const session of prepared.splice(0)) await session.dispose();
    },
  };
}

function shaped(tensor: HostTensor) {
  const [, frames, channels] = tensor.shape as [number, number, number];
  return { frames, channels, values: toFloat32(tensor) };
}

function takeRows({ dtype, shape, bytes }: HostTensor, rows: readonly number[]): HostTensor {
  const size = bytes.length / shape[0]!;
  const out = new Uint8Array(rows.length * size);
  rows.forEach((row, i) => {
    out.set(bytes.subarray(row * size, (row + 1) * size), i * size);
  });
  return { dtype, shape: [rows.length, ...shape.slice(1)], bytes: out };
}
