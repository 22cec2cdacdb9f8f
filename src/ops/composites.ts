// Composites: default implementations, in primitives, of the operators that an engine may override.
import type { Activation, Composites, Primitives } from "./ops.ts";

/** The most negative finite float32, which transformers puts in place of masked attention scores. */
export const maskedScore = -3.4028234663852886e38;

export function defaultComposites<T>(ops: Primitives<T>): Composites<T> {
  const activate = activateWith(ops);
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
    weightNorm(v, g) {
      const norm = ops.sqrt(ops.sum(ops.sum(ops.mul(v, v), 0), 1)); // [1, 1, k]
      return ops.mul(v, ops.div(g, norm));
    },
    convPerRow(signal, weight, shift, stride) {
      const windows = ops.windows(signal, ops.fixedSize(weight, -1), stride); // [b, t, k]
      return ops.add(ops.matmul(windows, ops.swapAxes(weight, 1, 2)), ops.unsqueeze(shift, 1));
    },
  };
}

/** The activations in primitives. */
export function activateWith<T>(
  ops: Pick<Primitives<T>, "add" | "mul" | "tanh" | "sigmoid" | "gelu" | "relu">,
): (x: T, activation: Activation) => T {
  return (x, activation) => {
    if (activation === "none") return x;
    if (activation === "silu") return ops.mul(x, ops.sigmoid(x));
    if (activation === "quick_gelu") return ops.mul(x, ops.sigmoid(ops.mul(x, 1.702)));
    if (activation !== "gelu_new") return ops[activation](x);
    const cubic = ops.add(x, ops.mul(ops.mul(ops.mul(x, x), x), 0.044715));
    return ops.mul(ops.mul(x, 0.5), ops.add(ops.tanh(ops.mul(cubic, Math.sqrt(2 / Math.PI))), 1));
  };
}
