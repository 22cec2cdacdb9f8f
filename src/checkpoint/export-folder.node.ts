// Export for transformers.js: the folder its `from_pretrained` loads, with a graph a dtype under onnx/.
// What it looks for: huggingface/transformers.js, src/models/session.js and src/utils/dtypes.js, read at 4.3.1.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.node.ts";
import type { OnnxDtype } from "../engines/onnx/weight-forms.ts";
import type { Architecture } from "../models/index.ts";
import type { WeightReader } from "../ops/program.ts";
import { hfPreprocessor } from "./convert.node.ts";
import { type Exported, type ExportOptions, exportOnnx } from "./export.node.ts";

/** How transformers.js names the graph of each `dtype`. */
const graphNames = {
  fp32: "model.onnx",
  fp16: "model_fp16.onnx",
  q8: "model_quantized.onnx",
  q4: "model_q4.onnx",
} as const satisfies Record<OnnxDtype, string>;

/** How a model is written as a folder for ONNX Runtime. */
export type ExportFolderOptions = Omit<ExportOptions, "dataSuffix">;

/** Writes `folder`/config.json, preprocessor_config.json and onnx/model….onnx. Further dtypes may be exported to the same folder. In
 *  transformers.js `AutoProcessor` normalises where the model wants it, and `AutoModel` gives the graph's outputs.
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
    // Its class for models that take input_values and give one graph's outputs; MERT and data2vec-audio it does not know.
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
  /** How many files of weights lie beside each graph. */
  readonly use_external_data_format?: Record<string, number>;
}

/** What an earlier export to the folder wrote there, if one did.
 *  @throws ConfigError when its config.json is not of an export: it would be lost. */
async function earlierExport(path: string): Promise<TransformersJsConfig> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
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
