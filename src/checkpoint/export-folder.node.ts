// Export for transformers.js: the folder that its `from_pretrained` loads, with one graph per dtype under onnx/.
// The file names follow huggingface/transformers.js 4.3.1, src/models/session.js and src/utils/dtypes.js.
import { basename, join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { readTextIfThere, writeAtomic } from "../base/files.node.ts";
import type { OnnxDtype } from "../engines/onnx/weight-forms.ts";
import type { Architecture } from "../models/index.ts";
import type { WeightReader } from "../ops/program.ts";
import { hfPreprocessor } from "./convert.node.ts";
import { type Exported, type ExportOptions, exportOnnx } from "./export.node.ts";

/** transformers.js's file name for the graph of each `dtype`. */
export const graphNames = {
  fp32: "model.onnx",
  fp16: "model_fp16.onnx",
  q8: "model_quantized.onnx",
  q4: "model_q4.onnx",
} as const satisfies Record<OnnxDtype, string>;

/** Options of `exportFolder`. */
export type ExportFolderOptions = Omit<ExportOptions, "dataSuffix">;

/** Writes `folder`/config.json, preprocessor_config.json and onnx/model….onnx. Further dtypes may be exported to the same folder. In
 *  transformers.js, `AutoProcessor` normalises where the model expects it, and `AutoModel` returns the graph's outputs.
 *  @throws ConfigError for a folder that holds a model of another kind, and as `exportOnnx` does. */
export async function exportFolder(
  folder: string,
  architecture: Pick<Architecture, "model" | "family" | "hfConfig">,
  weights: WeightReader,
  options: ExportFolderOptions,
): Promise<Exported> {
  const { model, hfConfig } = architecture;
  const at = (name: string) => join(folder, name);
  const before = await earlierExport(at("config.json"));
  const graph = join(folder, "onnx", graphNames[options.dtype ?? "fp32"]);
  const exported = await exportOnnx(graph, architecture, weights, { ...options, dataSuffix: "_data" });
  const external = { ...before.use_external_data_format };
  if (exported.files.length > 1) external[basename(graph)] = 1;
  else delete external[basename(graph)];
  const config = {
    ...hfConfig,
    // transformers.js has no class for MERT or data2vec-audio; HubertModel takes input_values and returns the graph's outputs.
    model_type: "hubert",
    architectures: ["HubertModel"],
    exported_from: hfConfig.model_type,
    "transformers.js_config": { ...before, use_external_data_format: external },
  };
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await writeAtomic(at("preprocessor_config.json"), json(hfPreprocessor(model.sampleRateHz, options.normaliseInput)));
  await writeAtomic(at("config.json"), json(config));
  return { ...exported, files: [at("config.json"), at("preprocessor_config.json"), ...exported.files] };
}

interface TransformersJsConfig {
  /** The number of external weight files of each graph. */
  readonly use_external_data_format?: Record<string, number>;
}

/** The settings that an earlier export to the folder wrote, if there was one.
 *  @throws ConfigError when the folder's config.json was not written by an export, since it would be overwritten. */
async function earlierExport(path: string): Promise<TransformersJsConfig> {
  const text = await readTextIfThere(path);
  if (text === undefined) return {};
  const config = z
    .looseObject({
      exported_from: z.string(),
      "transformers.js_config": z.looseObject({ use_external_data_format: z.record(z.string(), z.number()) }),
    })
    .safeParse(parsed(text));
  if (config.success) return config.data["transformers.js_config"];
  throw new ConfigError(`${path} belongs to a model that no export wrote, and would be overwritten. Give a folder of its own.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
