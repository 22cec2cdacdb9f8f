// Composites: default implementations, in primitives, of the operators that an engine may override.
import type { Activation, Composites, Primitives } from "./ops.ts";

/** The most negative finite float32, which transformers puts in place of masked attention scores. */
export const maskedScore = -3.4028234663852886e38;

export function defaultComposites<T>(ops: Primitives<T>): Composites<T> {
  const activate = (x: T, activation: Activation): T => (activation === "none" ? x : ops[activation](x));
  return {
    activate,
    linear(x, weight, bias, activation = "none") {
      const product = ops.matmul(x, ops.swapAxes(weight, 0, 1));
      return activate(bias === undefined ? product : ops.add(product, bias), activation);
    },
    attention(q, k, v, lengths) {
      const scale = 1 / Math.sqrt(ops.fixedSize(q, -1));
      let scores = ops.matmul(ops.mul(q, scale), ops.swapAxes(k, -1, -2)); // [b, h, t, t]
      if (lengths !== undefined) {
        const valid = ops.lengthMask(k, 2, lengths); // [b, t]
        scores = ops.where(ops.unsqueeze(ops.unsqueeze(valid, 1), 1), scores, maskedScore);
      }
      return ops.matmul(ops.softmax(scores, -1), v);
    },
    convPerRow(signal, weight, shift, stride) {
      const windows = ops.windows(signal, ops.fixedSize(weight, -1), stride); // [b, t, k]
      return ops.add(ops.matmul(windows, ops.swapAxes(weight, 1, 2)), ops.unsqueeze(shift, 1));
    },
  };
}
