// Opening a model for a command: its options, download progress, and the notes about it on stderr.
import { type Command, Option } from "commander";
import { type ModelDtype, modelDtypes } from "../base/dtypes.ts";
import type { Progress as Download } from "../hub/download.node.ts";
import type { ResolveOptions } from "../hub/resolve.node.ts";
import { dtypeCost } from "../inference/dtype-cost.ts";
import type { LoadedModel } from "../inference/load.node.ts";
import { note } from "./outcome.ts";

export interface HubFlags {
  readonly revision?: string;
  readonly cacheDir?: string;
  readonly localFilesOnly?: boolean;
}

export interface ModelFlags extends HubFlags {
  readonly engine: "auto" | "onnx" | "torch";
  readonly device?: string;
  readonly dtype: ModelDtype;
  readonly inputNorm: "auto" | "on" | "off";
}

/** Adds --revision, --cache-dir and --local-files-only. */
export function withHubOptions(command: Command): Command {
  return command
    .option("--revision <R>", "branch, tag or commit of the model on the hub")
    .option("--cache-dir <D>", "cache of downloaded models (default: HF_HUB_CACHE, as for Python's huggingface_hub)")
    .option("--local-files-only", "never use the network");
}

/** Adds --engine, --device, --dtype and --input-norm. */
export function withEngineOptions(command: Command): Command {
  return command
    .addOption(new Option("--engine <engine>", "engine that runs the model").choices(["auto", "onnx", "torch"]).default("auto"))
    .option("--device <device>", "device: cpu, cuda or cuda:1 (default: a GPU if the engine finds one)")
    .addOption(new Option("--dtype <dtype>", "number format of the products; fp32 is exact").choices(modelDtypes).default("fp32"))
    .addOption(
      new Option("--input-norm <norm>", "scale input to zero mean and unit variance; auto: as the model was trained")
        .choices(["auto", "on", "off"])
        .default("auto"),
    );
}

export function resolveOptions(flags: HubFlags, signal?: AbortSignal): ResolveOptions {
  return {
    revision: flags.revision,
    cacheDir: flags.cacheDir,
    ...(flags.localFilesOnly && { localFilesOnly: true }),
    onProgress: downloadProgress(),
    onNotice: (message) => note(`note: ${message}`),
    signal,
  };
}

/** Loads a model and prints its name, size, engine, licence and input normalisation on stderr. @throws as `loadModel` does. */
export async function openModel(name: string, flags: ModelFlags, signal?: AbortSignal): Promise<LoadedModel> {
  const { engine, device, dtype, inputNorm } = flags;
  const { loadModel } = await import("../inference/load.node.ts");
  const model = await loadModel(name, { ...resolveOptions(flags, signal), engine, device, dtype, inputNorm });
  const { layers, width, sampleRateHz, hopSamples } = model.model;
  note(
    `${model.name}${model.revision ? ` (${model.revision.slice(0, 12)})` : ""}: ${model.architecture.family}, ${layers} layers of ${width}, ` +
      `${sampleRateHz / hopSamples} frames a second at ${sampleRateHz} Hz, on ${model.engine} ${model.dtype}`,
  );
  const cost = dtypeCost(model.dtype);
  if (cost) note(cost);
  note(`input normalisation: ${model.inputNormalisation.on ? "on" : "off"} (${model.inputNormalisation.source})`);
  return model;
}

/** Prints download progress: redrawn on a terminal, otherwise one line every ten seconds. */
function downloadProgress(): (progress: Download) => void {
  let shown = 0;
  return ({ file, receivedBytes, totalBytes }) => {
    const complete = receivedBytes === totalBytes;
    const terminal = process.stderr.isTTY;
    if (!complete && Date.now() - shown < (terminal ? 100 : 10_000)) return;
    shown = Date.now();
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
    const line = `fetching ${file}: ${megabytes(receivedBytes)}${totalBytes === undefined ? "" : ` of ${megabytes(totalBytes)}`} MB`;
    process.stderr.write(terminal ? `\r\x1b[K${line}${complete ? "\n" : ""}` : `${line}\n`);
  };
}
