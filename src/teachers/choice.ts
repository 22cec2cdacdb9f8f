// Which teacher labels a corpus: its kind, with the settings of that kind.
import type { Manifest } from "../data/manifest/manifest.ts";
import type { ResolveOptions } from "../hub/resolve.node.ts";
import type { EngineOptions } from "../inference/choose-engine.node.ts";
import type { DspKind } from "./features/features.ts";

export const teacherKinds = ["codec", "kmeans", "rvq"] as const;
export type TeacherKind = (typeof teacherKinds)[number];

/** A kind of teacher with its settings. */
export interface TeacherChoice {
  readonly kind: TeacherKind;
  /** codec: a checkpoint, its folder or its hub name; default facebook/encodec_24khz. Features of a layer: the model. */
  readonly model?: string | undefined;
  /** codec: number of codebooks; default 8. */
  readonly codebooks?: number | undefined;
  /** kmeans, rvq: the frame features; default mfcc for kmeans, logmel for rvq. */
  readonly features?: DspKind | "layer" | undefined;
  /** Features of a layer: the index into hidden_states. */
  readonly layer?: number | undefined;
  /** kmeans, rvq: the file of a trained quantiser. Without it one is trained to `trainTo`. */
  readonly codebook?: string | undefined;
  /** kmeans: default 100 for MFCC, 300 for log-mel, 200 for chroma, 500 for a layer. */
  readonly clusters?: number | undefined;
  /** rvq: default 8 stages of 1024. */
  readonly stages?: number | undefined;
  readonly size?: number | undefined;
  readonly seed?: number | undefined;
  /** Starts that k-means++ tries, and the largest number of passes: default 20 and 100, as HuBERT's; of rvq 3 and 100. */
  readonly starts?: number | undefined;
  readonly maxPasses?: number | undefined;
}

/** What opening a teacher needs where it is fetched or trained. */
export interface OpenTeacherOptions extends ResolveOptions, Omit<EngineOptions, "onNotice"> {
  /** The manifests' sample rate. */
  readonly sampleRateHz: number;
  /** The clips that a quantiser is trained on. */
  readonly train: readonly Manifest[];
  /** The file of a quantiser that is trained. */
  readonly trainTo: string;
  readonly batchSize?: number;
  /** Called with a line as training begins and ends, and with one of `progress` after each pool of frames or stage. */
  readonly onTraining?: (line: string, kind: "milestone" | "progress") => void;
}

/** The default name of a teacher's labels: codec, rvq, mfcc, logmel, chroma, layer6. */
export function defaultLabel({ kind, features, layer }: TeacherChoice): string {
  if (kind !== "kmeans") return kind;
  return features === "layer" ? `layer${layer}` : (features ?? "mfcc");
}

/** The settings that every training of a quantiser takes. */
export function trainOptions({ seed = 0, starts, maxPasses }: TeacherChoice): { seed: number; starts?: number; maxPasses?: number } {
  return { seed, ...(starts !== undefined && { starts }), ...(maxPasses !== undefined && { maxPasses }) };
}
