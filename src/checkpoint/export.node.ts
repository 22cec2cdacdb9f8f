// Export of a model as one ONNX graph, of standard and com.microsoft operators, that ONNX Runtime runs without this library.
import { externalBytes, trace } from "../engines/onnx/trace.ts";
import type { OnnxDtype } from "../engines/onnx/weight-forms.ts";
import { type LazyOnnxModel, type WriteOnnxOptions, writeOnnx } from "../formats/onnx/write.node.ts";
import type { Architecture } from "../models/index.ts";
import type { Program, WeightReader } from "../ops/program.ts";
import { chainProgram, stagesUpTo } from "../ops/stage.ts";

/** What the ONNX file contains. */
export interface ExportOptions extends WriteOnnxOptions {
  /** Entries of `hidden_states` that become outputs, in order: see `chosenLayers`. */
  readonly layers: readonly number[];
  /** Entries of the file's metadata, such as model name and licence, beside those that this function adds. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether the model expects input of zero mean and unit variance. The graph leaves normalisation to its caller, as transformers does. */
  readonly normaliseInput: boolean;
  /** How weights are stored and multiplied; default fp32. */
  readonly dtype?: OnnxDtype;
}

export interface Exported {
  readonly input: string;
  readonly outputs: readonly string[];
  /** The number of weights in the graph: those that the chosen layers need. */
  readonly weights: number;
  /** The graph, and the file of external weights where there is one. */
  readonly files: readonly string[];
}

/** Writes `path` (and, past 1 GiB, `<path>.data` beside it). Input: `input_values` [batch, samples], mono at the model's rate, without padding.
 *  Outputs: `hidden_state_<i>` [batch, frames, width] for each chosen layer, or `last_hidden_state` where only the last is chosen.
 *  @throws ShapeError or NotFoundError when the weights do not match the architecture. */
export async function exportOnnx(
  path: string,
  { model, family }: Pick<Architecture, "model" | "family">,
  weights: WeightReader,
  { layers, metadata, normaliseInput, dtype = "fp32", ...write }: ExportOptions,
): Promise<Exported> {
  const onlyLast = layers.length === 1 && layers[0] === model.layers;
  const outputs = onlyLast ? ["last_hidden_state"] : layers.map((layer) => `hidden_state_${layer}`);
  const program = exportProgram(model, layers, outputs);
  const { model: traced, externals } = trace(program, { dtype, saturating: true }); // the file may run on any machine
  const lazy = new Map(externals.map((external) => [external.location, external]));
  const initializers = traced.graph.initializers.map(({ name, dtype, shape, data }) => {
    const external = lazy.get(name);
    if (!external) return { name, dtype, shape, data: { raw: "raw" in data ? data.raw : new Uint8Array() } };
    return { name, dtype, shape, data: { lazy: async () => (await externalBytes([external], program, weights))[0]!.data } };
  });
  const written: LazyOnnxModel = {
    ...traced,
    metadata: {
      ...metadata,
      family,
      sample_rate_hz: String(model.sampleRateHz),
      hop_samples: String(model.hopSamples),
      minimum_samples: String(model.minimumSamples),
      do_normalize: String(normaliseInput),
      normalisation: normaliseInput ? "(x - mean) / sqrt(variance + 1e-7) over each clip, before this graph" : "none",
      layers: layers.join(","),
      dtype,
    },
    graph: { ...traced.graph, initializers },
  };
  const files = await writeOnnx(path, written, write);
  return { input: "input_values", outputs, weights: externals.length, files };
}

/** The chain up to the highest chosen layer, with transformers' names for its input and outputs. */
function exportProgram(model: Architecture["model"], layers: readonly number[], outputs: readonly string[]): Program {
  const taps = layers.map((layer) => model.hiddenStates[layer]!);
  const input = { dtype: "float32", shape: ["batch", "samples"] } as const;
  const chain = chainProgram(model.family, stagesUpTo(model.stages, taps), { input, outputs: taps });
  return {
    ...chain,
    inputs: { input_values: input },
    run(ops, params, { input_values }) {
      const tapped = chain.run(ops, params, { x: input_values! });
      return Object.fromEntries(outputs.map((output, i) => [output, tapped[taps[i]!]!]));
    },
  };
}
