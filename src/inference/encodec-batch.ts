// One batch through EnCodec, piece by piece: clips of any lengths side by side, with the codes that each has alone and in one piece.
//
// A piece of frames start … start + n runs the convolutions with two frames of context before it, then the LSTM from the state that the
// piece before left. A clip's last frame, where it is incomplete, and clips of fewer than three frames run apart, with their lengths.
import { type HostTensor, hostTensor, int32Vector, toFloat32 } from "../base/host-tensor.ts";
import { type EncodecConfig, encodecHop } from "../models/encodec/config.ts";
import { contextFrames, lengthInputs, shortFrames, strideLengths } from "../models/encodec/model.ts";
import type { Session, Values } from "../ops/program.ts";

/** EnCodec's four programs, prepared on an engine. */
export interface EncodecSessions {
  /** Convolutions of whole frames. */
  readonly whole: Session;
  /** Convolutions of the ends of clips and of short clips. */
  readonly ending: Session;
  /** LSTM, last convolution and quantiser: at the start of a clip, and from the state of the piece before. */
  readonly first: Session;
  readonly next: Session;
}

/** A clip being encoded, and where its results go. */
export interface EncodecRow {
  readonly waveform: Float32Array;
  readonly frames: number;
  /** [codebooks, frames]. */
  readonly codes: Int32Array;
  /** [frames, width]; where asked for. */
  readonly embeddings: Float32Array | undefined;
}

/** Fills the codes and embeddings of `rows`, `pieceFrames` frames of each at a time. */
export async function encodeRows(
  config: EncodecConfig,
  sessions: EncodecSessions,
  rows: readonly EncodecRow[],
  pieceFrames: number,
): Promise<void> {
  const longest = Math.max(...rows.map((row) => row.frames));
  let live = rows;
  let state: Values = {};
  for (let start = 0; start < longest; start += pieceFrames) {
    const remaining = live.filter((row) => row.frames > start);
    if (remaining.length < live.length) {
      const indices = remaining.map((row) => live.indexOf(row));
      state = mapValues(state, (tensor) => takeRows(tensor, indices));
      live = remaining;
    }
    const frames = Math.min(pieceFrames, Math.max(...live.map((row) => row.frames)) - start);
    const features = await featuresOf(config, sessions, live, start, frames);
    const { embeddings, codes, ...after } =
      start === 0
        ? await sessions.first.run({ features, frames: int32Vector(live.map((row) => row.frames)) })
        : await sessions.next.run({ features, ...state });
    state = Object.fromEntries(Object.entries(after).map(([name, tensor]) => [name.replace("next_", ""), tensor]));
    for (const [i, row] of live.entries()) storeResults(row, i, start, codes!, embeddings!);
  }
}

/** Copies one row of `codes` [rows, codebooks, frames] and `embeddings` [rows, frames, width] to frames `start` … of its clip. */
function storeResults(row: EncodecRow, index: number, start: number, codes: HostTensor, embeddings: HostTensor): void {
  const [, codebooks, frames] = codes.shape as [number, number, number];
  const count = Math.min(frames, row.frames - start);
  const values = new Int32Array(codes.bytes.buffer, codes.bytes.byteOffset, codes.bytes.byteLength / 4);
  for (let book = 0; book < codebooks; book++) {
    const begin = (index * codebooks + book) * frames;
    row.codes.set(values.subarray(begin, begin + count), book * row.frames + start);
  }
  const width = embeddings.shape[2]!;
  const begin = index * frames * width;
  row.embeddings?.set(toFloat32(embeddings).subarray(begin, begin + count * width), start * width);
}

/** Features before the LSTM of frames `start` … `start + frames` of each row, [rows, frames, channels]. */
async function featuresOf(
  config: EncodecConfig,
  sessions: EncodecSessions,
  rows: readonly EncodecRow[],
  start: number,
  frames: number,
): Promise<HostTensor> {
  const hop = encodecHop(config);
  const wholeFrames = ({ waveform }: EncodecRow) => Math.floor(waveform.length / hop);
  const isShort = (row: EncodecRow) => wholeFrames(row) < shortFrames;
  const from = start === 0 ? 0 : start - contextFrames;
  const long = rows.filter((row) => !isShort(row) && wholeFrames(row) > start);
  const ends = rows.filter((row) => row.frames <= start + frames && (isShort(row) || row.frames > wholeFrames(row)));
  const whole =
    long.length > 0 ? await runWhole(sessions.whole, long, from * hop, Math.max(shortFrames, start + frames - from) * hop) : undefined;
  const ending = ends.length > 0 ? await runEnding(config, sessions.ending, ends) : undefined;

  const channels = (whole ?? ending)!.shape[2]!;
  const out = hostTensor(new Float32Array(rows.length * frames * channels), [rows.length, frames, channels]);
  for (const [i, row] of rows.entries()) {
    const longIndex = long.indexOf(row);
    if (whole && longIndex >= 0) copyFrames(whole, longIndex, start - from, out, i, 0, Math.min(frames, wholeFrames(row) - start));
    const endIndex = ends.indexOf(row);
    if (!ending || endIndex < 0) continue;
    if (isShort(row)) copyFrames(ending, endIndex, 0, out, i, 0, row.frames);
    else copyFrames(ending, endIndex, contextFrames, out, i, row.frames - 1 - start, 1); // only the last, incomplete frame
  }
  return out;
}

async function runWhole(session: Session, rows: readonly EncodecRow[], from: number, samples: number): Promise<HostTensor> {
  const x = new Float32Array(rows.length * samples);
  for (const [i, { waveform }] of rows.entries()) x.set(waveform.subarray(from, from + samples), i * samples);
  return (await session.run({ x: hostTensor(x, [rows.length, samples]) })).features!;
}

/** The last `shortFrames` frames of each row, or all of a shorter one. */
async function runEnding(config: EncodecConfig, session: Session, rows: readonly EncodecRow[]): Promise<HostTensor> {
  const hop = encodecHop(config);
  const samples = shortFrames * hop;
  const x = new Float32Array(rows.length * samples);
  const lengths = rows.map(({ waveform, frames }, i) => {
    const end = waveform.subarray(Math.max(0, frames - shortFrames) * hop);
    x.set(end, i * samples);
    return strideLengths(config, end.length);
  });
  const counts = lengthInputs(config).map((name, i) => [name, int32Vector(lengths.map((length) => length[i]!))] as const);
  return (await session.run({ x: hostTensor(x, [rows.length, samples]), ...Object.fromEntries(counts) })).features!;
}

/** Copies `count` frames between float32 tensors [rows, frames, channels]. */
function copyFrames(from: HostTensor, fromRow: number, fromFrame: number, to: HostTensor, toRow: number, toFrame: number, count: number) {
  const [, fromFrames, channels] = from.shape as [number, number, number];
  const begin = (fromRow * fromFrames + fromFrame) * channels;
  toFloat32(to).set(toFloat32(from).subarray(begin, begin + count * channels), (toRow * to.shape[1]! + toFrame) * channels);
}

function takeRows({ dtype, shape, bytes }: HostTensor, rows: readonly number[]): HostTensor {
  const size = bytes.length / shape[0]!;
  const out = new Uint8Array(rows.length * size);
  for (const [i, row] of rows.entries()) out.set(bytes.subarray(row * size, (row + 1) * size), i * size);
  return { dtype, shape: [rows.length, ...shape.slice(1)], bytes: out };
}

function mapValues(values: Values, change: (tensor: HostTensor) => HostTensor): Values {
  return Object.fromEntries(Object.entries(values).map(([name, tensor]) => [name, change(tensor)]));
}
