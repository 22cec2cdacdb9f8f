// Provenance: everything one must know to make an embedding again, or to tell whether two may be compared.
import type { InputNormalisation } from "./input-normalisation.ts";
import type { LayerAverage, Pooling } from "./pooling.ts";

/** What was embedded. */
export interface Source {
  /** The path as it was given; absent for samples that came without a file. */
  readonly file?: string;
  readonly bytes?: number;
  /** When the file was last changed, ISO 8601. */
  readonly modified?: string;
  /** The codec or container, told by content. */
  readonly format?: string;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly seconds: number;
  /** What the decoder repaired or lost, in words. */
  readonly mends: readonly string[];
}

/** What decides the values, apart from the source: equal settings give equal embeddings. */
export interface Settings {
  readonly weightsSha256: readonly string[];
  readonly layers: readonly number[];
  readonly pooling: Pooling;
  /** The layer average of pooling "weighted". */
  readonly average?: LayerAverage;
  readonly l2: boolean;
  readonly inputNormalisation: InputNormalisation;
  /** How clips of different lengths share a batch. */
  readonly padding: string;
  readonly dtype: string;
  readonly windowSeconds?: number;
  readonly overlapSeconds?: number;
}

/** The windows a clip was run in. */
export interface Windowing {
  readonly count: number;
  readonly windowSeconds: number;
  readonly overlapSeconds: number;
}

/** How an embedding was made: it stands beside every output. */
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
  /** How the source came to the model's sample rate; absent where it already had it. */
  readonly resampler?: string;
  readonly settings: Settings;
  /** The windows in which attention saw the clip; absent where it saw all of it at once. */
  readonly windows?: Windowing;
  /** In which ways the values differ from those of the original code, in words: what a dtype costs, and windows. Empty: they don't. */
  readonly deviations: readonly string[];
}

/** What `resample` in the audio room does by default. */
export const resamplerName = "windowed sinc, torchaudio's default: width 6, rolloff 0.99, Hann";

/** Names of the settings in which two runs differ; the words of `inputNormalisation.source` don't count. */
export function settingsThatDiffer(a: Settings, b: Settings): string[] {
  const plain = (s: Settings): Record<string, unknown> => ({ ...s, inputNormalisation: s.inputNormalisation?.on });
  const [left, right] = [plain(a), plain(b)];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].filter((key) => JSON.stringify(left[key]) !== JSON.stringify(right[key])).sort();
}

/** Whether a file is the one an embedding was made of: by length and time of change, so that a moved corpus counts as the same. */
export function sameSource(a: Pick<Source, "bytes" | "modified">, b: Pick<Source, "bytes" | "modified">): boolean {
  return a.bytes === b.bytes && a.modified === b.modified;
}
