// The first convolution's group norm, folded into its filters.
//
// With one channel a group, the norm's statistics are those of the convolution's output over all of time. That output is
// linear in the windows u of the signal, so the statistics follow from the windows' own mean and covariance:
// mean_c = W_c · mean(u) and variance_c = W_c · Cov(u) · W_cᵀ, a 10 × 10 matrix instead of 512 × time values. The fold is exact,
// and since it can count each row's valid windows alone, a batch of mixed lengths equals single runs. The moments of hours of sound are
// no larger than those of a second: a run that sees a part of a clip may be given the whole's (`Context.moments`).

import type { Ops } from "../../ops/ops.ts";
import type { Context, WindowMoments } from "../../ops/stage.ts";

export interface FoldedConvolution<T> {
  /** Filters of each row's own, [batch, channels, kernel]. */
  readonly weight: T;
  /** [batch, channels]. */
  readonly shift: T;
}

/** Convolution (weight [channels, 1, kernel], optional bias) followed by a group norm of one channel a group, as one convolution.
 *  signal: [batch, samples]. A constant bias of the convolution cancels in the norm, so it isn't asked for. */
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

/** Mean [batch, 1, size] and covariance [batch, size, size] of a signal's windows, float64; of the first `count` [batch] of each row where given.
 *  Centred before squaring, or a DC offset would cancel badly. */
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
