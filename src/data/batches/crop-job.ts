// Crop jobs: what is asked of a reading worker and what it hands back.

/** A crop of a recording: of a file, or of a run of bytes in one (a member of a shard). */
export interface CropRequest {
  /** Path, or an http address. */
  readonly file: string;
  /** The recording's bytes in the file; the whole file when left out. */
  readonly at?: { readonly offset: number; readonly bytes: number };
  /** Stands in messages. */
  readonly name: string;
  /** First sample and length, at the job's rate. */
  readonly start: number;
  readonly samples: number;
  /** An npy file [codebooks, frames] in the same file, of which frames `start` up to `start + count` are wanted, or as many as there are. */
  readonly labels?: { readonly offset: number; readonly bytes: number; readonly start: number; readonly count: number };
}

export interface CropJob {
  readonly crops: readonly CropRequest[];
  /** Sent along with requests to an address: an access token, say. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly sampleRateHz: number;
}

/** A crop's samples and label frames [codebooks, frames], or why there are none. */
export type CropAnswer = { readonly samples: Float32Array; readonly labels?: LabelFrames } | { readonly reason: string };

export interface LabelFrames {
  readonly codes: Int32Array;
  readonly codebooks: number;
  /** Frames of the whole clip, and the first that `codes` holds. */
  readonly frames: number;
  readonly start: number;
}
