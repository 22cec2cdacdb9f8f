// Corpus: what pre-training reads, as plain values. A manifest names the clips of a split, a label set holds their codes.
import { z } from "zod";

/** A recording of a manifest. */
export interface Clip {
  /** Relative to the manifest's root, in POSIX form. */
  readonly path: string;
  /** Length at the manifest's sample rate. */
  readonly samples: number;
}

/** The clips of one split, in order: a clip's index is its identity wherever labels, batches or reports speak of it. */
export interface Manifest {
  /** Absolute path of the folder that clips are relative to. */
  readonly root: string;
  readonly sampleRateHz: number;
  readonly clips: readonly Clip[];
}

/** What made a label set, and for which sounds. */
export interface LabelStamp {
  /** The teacher in a line, and the SHA-256 of its codebooks or weights. */
  readonly teacher: string;
  readonly teacherHash: string;
  readonly codebooks: number;
  /** Codes of each codebook: values lie from 0 up to it. */
  readonly codebookSize: number;
  /** Frames a second. */
  readonly rateHz: number;
  readonly sampleRateHz: number;
  /** SHA-256 of the manifest's text. */
  readonly manifestHash: string;
}

/** A stamp as it is read from files. */
export const stampSchema = z.object({
  teacher: z.string(),
  teacherHash: z.string(),
  codebooks: z.number().int().positive(),
  codebookSize: z.number().int().positive(),
  rateHz: z.number().positive(),
  sampleRateHz: z.number().int().positive(),
  manifestHash: z.string(),
}) satisfies z.ZodType<LabelStamp>;

/** The codes of a manifest's clips. */
export interface LabelSet {
  readonly stamp: LabelStamp;
  readonly clips: number;
  /** Frames of a clip. */
  frames(clip: number): number;
  /** Codes of frames `start` up to `start + count` of a clip: [codebooks, count]. @throws RangeError beyond its end. */
  read(clip: number, start: number, count: number): Int32Array;
}
