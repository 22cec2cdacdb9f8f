// Messages between a program and the worker thread that runs its model: calls with numbered answers in both directions.
import type { ThrownInWorker } from "../base/worker-pool.node.ts";
import type { LocalModel } from "../hub/local.node.ts";
import type { ClipStatistics } from "./clip-statistics.ts";
import type { EncoderOptions, LayerChoice, StreamOptions } from "./encoder.ts";

/** What the worker needs to open the model. */
export interface WorkerModelData {
  readonly local: LocalModel;
  readonly options: Required<EncoderOptions>;
  /** Options of `chooseEngine` that can be copied between threads. */
  readonly engine: { readonly engine?: string; readonly device?: string; readonly dtype?: string; readonly threads?: number };
}

/** Calls that the program makes. */
export type WorkerCall =
  | {
      readonly call: "hiddenStates";
      readonly waveforms: readonly Float32Array[];
      readonly layers: LayerChoice;
      readonly normalised: boolean;
    }
  | { readonly call: "taps"; readonly waveform: Float32Array; readonly names: readonly string[] }
  /** Opens a stream. The clip is samples, or a long clip whose pieces the worker asks for. */
  | {
      readonly call: "stream";
      readonly stream: number;
      readonly clip: Float32Array | ClipStatistics;
      readonly options: Omit<StreamOptions, "signal">;
    }
  | { readonly call: "next" | "return"; readonly stream: number }
  | { readonly call: "dispose" };

export type ToWorker =
  | { readonly id: number; readonly body: WorkerCall }
  /** The next piece of a long clip; undefined at its end. */
  | { readonly pull: number; readonly piece: Float32Array | undefined }
  | { readonly pull: number; readonly thrown: ThrownInWorker };

export type FromWorker =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly thrown: ThrownInWorker }
  /** Asks for the next piece of a stream's clip; `reading` counts the passes over it. */
  | { readonly pull: number; readonly stream: number; readonly reading: number }
  | { readonly notice: string };
