// The ONNX engine in Node: traced graphs on onnxruntime-node.
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { encodeModel } from "../../formats/onnx/encode.ts";
import type { Engine, Program, Session, WeightReader } from "../../ops/program.ts";
import { trace } from "./trace.ts";
import { readExternals, runSession } from "./values.ts";
import type { OnnxDtype } from "./weight-forms.ts";

export interface OnnxEngineOptions {
  /** Threads of one operator; all cores by default. */
  threads?: number;
  /** Whether threads that wait for work keep their core busy. Quicker by a little where one session runs alone; where several take turns, the
   *  idle ones rob the working one: switch it off there. Default true. */
  spin?: boolean;
  /** Of the weights; "q8" and "q4" also quantise activations as they come. Default fp32. */
  dtype?: OnnxDtype;
}

/** ONNX Runtime on the CPU, for `loadModel`'s `engine` where its defaults don't do: to hold back its threads, say. */
export function onnxEngine({ threads = availableParallelism(), spin = true, dtype = "fp32" }: OnnxEngineOptions = {}): Engine {
  return {
    name: "onnx",
    async prepare(program: Program, weights: WeightReader): Promise<Session> {
      const traced = trace(program, { dtype });
      const session = await ort.InferenceSession.create(encodeModel(traced.model), {
        externalData: await readExternals(traced, program, weights),
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        // A plan of memory for each shape that was met: it saves no time here and holds 200 MB at windows of 30 s.
        enableMemPattern: false,
        extra: {
          session: {
            // Weights apart from the memory that runs grow into, so that what loading them took is given back.
            use_device_allocator_for_initializers: "1",
            // Subnormal activations of a silent passage must not slow the run.
            set_denormal_as_zero: "1",
            intra_op: { allow_spinning: spin ? "1" : "0" },
          },
        },
      });
      return {
        run: (inputs) => runSession(ort.Tensor, session, inputs),
        dispose: () => session.release(),
      };
    },
  };
}
