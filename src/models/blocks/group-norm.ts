// The group norm of the first convolution, folded into its filters.
//
// With one channel per group, the norm uses each output channel's mean and variance over time. The output is linear in the windows u of the
// signal, so both follow from the mean and covariance of the windows:
// mean_c = W_c · mean(u) and variance_c = W_c · Cov(u) · W_cᵀ, a 10 × 10 matrix instead of 512 × time values. The fold is exact.
// The moments may cover each row's valid windows only, so that a batch of mixed lengths gives the results of single runs. Their size does not
// depend on the clip's length: a run over one piece of a clip may be given the moments of the whole clip (`Context.moments`).

import type { Ops } from "../../ops/ops.ts";
import type { Context, WindowMoments } from "../../ops/stage.ts";

export interface FoldedConvolution<T> {
  /** One set of filters per row, [batch, channels, kernel]. */
  readonly weight: T;
  /** [batch, channels]. */
  readonly shift: T;
}

/** A convolution (weight [channels, 1, kernel]) followed by a group norm with one channel per group, as one convolution.
 *  signal: [batch, samples]. A bias of the convolution would cancel in the norm, so none is taken. */
export function foldGroupNorm<T>(
  cx: Context<T>,
  signal: T,
  weight: T,
  norm: { readonly gain: T; readonly offset: T; readonly eps: number },
  stride: number,
): FoldedConvolution<T> {
  const { ops } = cx;
  const filters = ops.squeeze(weight, 1); // [c, k]
  const exact = ops.cast(filters, "float64");
  const { mean, covariance } = cx.moments ?? windowMoments(ops, signal, ops.fixedSize(filters, -1), stride, cx.lengths?.windows);
  const outMean = ops.squeeze(ops.matmul(mean, ops.swapAxes(exact, 0, 1)), 1); // [b, c]
  const outVariance = ops.squeeze(ops.sum(ops.mul(ops.matmul(exact, covariance), exact), -1), -1); // [b, c]
  const deviation = ops.cast(ops.sqrt(ops.add(outVariance, norm.eps)), "float32");
  const scale = ops.div(norm.gain, deviation); // [b, c]
  return {
    weight: ops.mul(ops.unsqueeze(scale, 2), filters),
    shift: ops.sub(norm.offset, ops.mul(scale, ops.cast(outMean, "float32"))),
  };
}

/** Mean [batch, 1, size] and covariance [batch, size, size] of a signal's windows in float64, over each row's first `count` [batch] windows
 *  where given. Windows are centred before they are multiplied, since a DC offset would cause cancellation. */
function windowMoments<T>(ops: Ops<T>, signal: T, size: number, stride: number, count: T | undefined): WindowMoments<T> {
  const windows = ops.cast(ops.windows(signal, size, stride), "float64"); // [b, t, k]
  if (count === undefined) {
    const mean = ops.mean(windows, 1);
    const centred = ops.sub(windows, mean);
    return { mean, covariance: ops.div(ops.matmul(ops.swapAxes(centred, 1, 2), centred), ops.cast(ops.sizeOf(windows, 1), "float64")) };
  }
  const valid = ops.unsqueeze(ops.cast(ops.lengthMask(windows, 1, count), "float64"), 2); // [b, t, 1]
  const total = ops.unsqueeze(ops.unsqueeze(ops.cast(count, "float64"), 1), 2); // [b, 1, 1]
  const mean = ops.div(ops.sum(ops.mul(windows, valid), 1), total);
  const centred = ops.mul(ops.sub(windows, mean), valid);
  return { mean, covariance: ops.div(ops.matmul(ops.swapAxes(centred, 1, 2), centred), total) };
}
