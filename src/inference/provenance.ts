// Provenance: what is needed to reproduce an embedding, and to decide whether two embeddings are comparable.
import type { InputNormalisation } from "./input-normalisation.ts";
import type { LayerAverage, Pooling } from "./pooling.ts";

/** The audio that was embedded. */
export interface Source {
  /** The path as given; absent for samples without a file. */
  readonly file?: string;
  readonly bytes?: number;
  /** The file's modification time, ISO 8601. */
  readonly modified?: string;
  /** The codec or container, recognised by content. */
  readonly format?: string;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly seconds: number;
  /** Descriptions of damage that the decoder repaired or skipped. */
  readonly mends: readonly string[];
}

/** What determines the values apart from the source: equal settings give equal embeddings. */
export interface Settings {
  readonly weightsSha256: readonly string[];
  readonly layers: readonly number[];
  readonly pooling: Pooling;
  /** The average over layers, of pooling "weighted" and of recommended layers. */
  readonly average?: LayerAverage;
  readonly l2: boolean;
  readonly inputNormalisation: InputNormalisation;
  /** How clips of different lengths share a batch. */
  readonly padding: string;
  readonly dtype: string;
  readonly windowSeconds?: number;
  readonly overlapSeconds?: number;
}

/** The windows in which a clip was run. */
export interface Windowing {
  readonly count: number;
  readonly windowSeconds: number;
  readonly overlapSeconds: number;
}

/** How an embedding was computed; written beside every output. */
export interface Provenance {
  readonly ostinato: string;
  /** ISO 8601. */
  readonly created: string;
  readonly source: Source;
  readonly model: {
    readonly name: string;
    readonly revision?: string;
    readonly family: string;
    readonly sampleRateHz: number;
    readonly frameRateHz: number;
    readonly licence?: { readonly name: string; readonly nonCommercial: boolean };
  };
  readonly engine: { readonly name: string; readonly version: string };
  /** The resampling method; absent where the source had the model's sample rate. */
  readonly resampler?: string;
  readonly settings: Settings;
  /** The windows of attention; absent where attention saw the whole clip. */
  readonly windows?: Windowing;
  /** Descriptions of how the values differ from the original code, by dtype or windows; empty where they do not. */
  readonly deviations: readonly string[];
}

/** The default method of `resample` in the audio room. */
export const resamplerName = "windowed sinc, torchaudio's default: width 6, rolloff 0.99, Hann";

/** Names of the settings in which two runs differ, ignoring `inputNormalisation.source`. */
export function settingsThatDiffer(a: Settings, b: Settings): string[] {
  const plain = (s: Settings): Record<string, unknown> => ({ ...s, inputNormalisation: s.inputNormalisation?.on });
  const [left, right] = [plain(a), plain(b)];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].filter((key) => JSON.stringify(left[key]) !== JSON.stringify(right[key])).sort();
}

/** Whether a file is the source of an embedding, by size and modification time, so that a moved corpus counts as the same. */
export function sameSource(a: Pick<Source, "bytes" | "modified">, b: Pick<Source, "bytes" | "modified">): boolean {
  return a.bytes === b.bytes && a.modified === b.modified;
}
