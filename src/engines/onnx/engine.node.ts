// The ONNX engine for Node: traced graphs on onnxruntime-node.
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { encodeModel } from "../../formats/onnx/encode.ts";
import type { Engine } from "../../ops/program.ts";
import { checkedPrepare, type Prepare } from "./quantisation-check.ts";
import { trace } from "./trace.ts";
import { readExternals, runSession } from "./values.ts";
import type { OnnxDtype } from "./weight-forms.ts";

export interface OnnxEngineOptions {
  /** Threads of one operator; all cores by default. */
  threads?: number;
  /** Whether threads that wait for work spin. That is slightly faster where one session runs alone. Where several sessions take turns, the
   *  waiting threads of one slow the others: switch it off there. Default true. */
  spin?: boolean;
  /** Number format of the weights; "q8" and "q4" also quantise activations at run time. Default fp32. */
  dtype?: OnnxDtype;
}

/** ONNX Runtime on the CPU, for the `engine` option of `loadModel` where its defaults do not fit: to limit its threads, say. */
export function onnxEngine({ dtype = "fp32", ...options }: OnnxEngineOptions = {}): Engine {
  return { name: "onnx", sessionHoldsWeights: true, prepare: checkedPrepare(dtype, sessionPrepare(options)) };
}

/** Traces programs and creates onnxruntime sessions for them. */
export function sessionPrepare({ threads = availableParallelism(), spin = true }: Omit<OnnxEngineOptions, "dtype">): Prepare {
  return async (program, weights, options) => {
    const traced = trace(program, options);
    const session = await ort.InferenceSession.create(encodeModel(traced.model), {
      externalData: await readExternals(traced, program, weights),
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      // Memory plans for each input shape save no time here and hold 200 MB at windows of 30 s.
      enableMemPattern: false,
      extra: {
        session: {
          // Weights outside the arena, so that memory used while they are loaded is returned.
          use_device_allocator_for_initializers: "1",
          // Silent passages give subnormal activations, which would slow the run.
          set_denormal_as_zero: "1",
          // Sessions take turns: waiting threads of one would slow the next.
          force_spinning_stop: "1",
          intra_op: { allow_spinning: spin ? "1" : "0" },
        },
      },
    });
    return {
      run: (inputs, wanted) => runSession(ort.Tensor, session, inputs, wanted),
      dispose: () => session.release(),
    };
  };
}
