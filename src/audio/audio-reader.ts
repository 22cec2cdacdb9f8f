// Audio reader: the interface of an opened recording of any format, and the list of formats.

/** Formats that this library decodes itself, then those that it recognises and passes to ffmpeg. */
export type AudioFormat = "wav" | "aiff" | "mp3" | "flac" | "vorbis" | "opus" | ForeignFormat;
export type ForeignFormat =
  | "aac"
  | "mp4"
  | "wma"
  | "ape"
  | "wavpack"
  | "matroska"
  | "caf"
  | "au"
  | "amr"
  | "dsd"
  | "w64"
  | "ogg"
  | "unknown";

/** A half-open run of samples: start, start + 1, … end - 1. `end` may be Infinity. */
export interface SampleRange {
  readonly start: number;
  readonly end: number;
}

/** An opened recording. */
export interface AudioReader {
  readonly format: AudioFormat;
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Samples per channel, where the container states it. */
  readonly samples?: number | undefined;
  /** What was repaired or lost, in words. Complete once `read` has ended. */
  readonly mends: string[];
  /** The samples of a range in order, in pieces: [channels][samples]. A range that reaches past the end is cut to it. */
  read(range: SampleRange): AsyncGenerator<Float32Array[]>;
}

/** The part of a piece that lies in a range; `at` is the number of the piece's first sample. Undefined when none does. */
export function cutPiece(piece: Float32Array[], at: number, { start, end }: SampleRange): Float32Array[] | undefined {
  const length = piece[0]?.length ?? 0;
  const from = Math.max(0, start - at);
  const to = Math.min(length, end - at);
  if (to <= from) return undefined;
  return from === 0 && to === length ? piece : piece.map((channel) => channel.subarray(from, to));
}

/** Cuts pieces that follow one another, the first beginning at sample `at`, to a range, and stops once it is filled. */
export async function* cutToRange(pieces: AsyncIterable<Float32Array[]>, at: number, range: SampleRange): AsyncGenerator<Float32Array[]> {
  if (range.end <= range.start) return;
  for await (const piece of pieces) {
    const cut = cutPiece(piece, at, range);
    at += piece[0]?.length ?? 0; // Read before the piece is yielded: its consumer may transfer the memory to another thread.
    if (cut !== undefined) yield cut;
    if (at >= range.end) return;
  }
}
