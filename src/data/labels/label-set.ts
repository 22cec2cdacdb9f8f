// Label sets: the codes of a manifest's clips, and the stamp that says which teacher made them.
import { z } from "zod";

/** Which teacher made a label set, and from which clips. */
export interface LabelStamp {
  /** The teacher with its settings, in one line. */
  readonly teacher: string;
  /** SHA-256 of the teacher's codebooks or weights. */
  readonly teacherHash: string;
  readonly codebooks: number;
  /** Entries of each codebook: codes are 0 to codebookSize - 1. */
  readonly codebookSize: number;
  /** Label frames a second. */
  readonly rateHz: number;
  readonly sampleRateHz: number;
  /** SHA-256 of the manifest's clips (`manifestHash`); empty where it is unknown. */
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

/** The codes of a manifest's clips, by the clip's index in the manifest. */
export interface LabelSet {
  readonly stamp: LabelStamp;
  readonly clips: number;
  /** Label frames of a clip. */
  frames(clip: number): number;
  /** Codes of frames `start` up to `start + count` of a clip: [codebooks, count]. @throws RangeError beyond the clip's end. */
  read(clip: number, start: number, count: number): Int32Array;
}

/** A label set in files. */
export interface OpenLabels extends LabelSet {
  /** The label as file names have it: "codec" of train.codec_0 to train.codec_7, "mfcc" of train.mfcc. */
  readonly label: string;
  close(): void;
}

/** @throws RangeError for a clip that is not in the set. */
export function framesOf(frames: ArrayLike<number>, clip: number): number {
  const count = frames[clip];
  if (count === undefined) throw new RangeError(`There is no clip ${clip}: the set has ${frames.length}.`);
  return count;
}

/** @throws RangeError where a crop goes beyond its clip. */
export function checkCrop(frames: number, start: number, count: number): void {
  if (start >= 0 && count >= 0 && start + count <= frames) return;
  throw new RangeError(`Frames ${start} to ${start + count} were asked for; the clip has ${frames}.`);
}
