// Crop jobs: the messages between a crop reader and its workers.

/** A crop of a recording, which is a file or a range of bytes in one (a member of a shard). */
export interface CropRequest {
  /** Path, or an http address. */
  readonly file: string;
  /** The recording's bytes in the file; the whole file when left out. */
  readonly at?: { readonly offset: number; readonly bytes: number };
  /** The recording's name in messages. */
  readonly name: string;
  /** First sample and length, at the job's rate. */
  readonly start: number;
  readonly samples: number;
  /** An npy file [codebooks, frames] within the same file, of which frames `start` up to `start + count` are read, or as many as exist. */
  readonly labels?: { readonly offset: number; readonly bytes: number; readonly start: number; readonly count: number };
}

export interface CropJob {
  readonly crops: readonly CropRequest[];
  /** Headers of http requests, such as an access token. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly sampleRateHz: number;
}

/** A crop's samples and label frames, or why it could not be read. */
export type CropAnswer = { readonly samples: Float32Array; readonly labels?: LabelFrames } | { readonly reason: string };

export interface LabelFrames {
  /** [codebooks, frames of the crop]. */
  readonly codes: Int32Array;
  readonly codebooks: number;
  /** Frames of the whole clip, and the first frame of `codes`. */
  readonly frames: number;
  readonly start: number;
}
