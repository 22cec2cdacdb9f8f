// Features: which fast operators this libtorch has, asked of the library itself and never concluded from its version.
import { hasOperator } from "./call.ts";
import type { OperatorName } from "./operators.ts";

/** What a libtorch offers to inference on a device. */
export interface Features {
  /** Linear layers with weights in oneDNN's own layout and the activation fused. */
  readonly packedLinear: boolean;
  /** Convolutions with weights in oneDNN's own layout. */
  readonly packedConvolution: boolean;
  /** Attention whose scores never stand in memory whole. */
  readonly fusedAttention: boolean;
}

export function features(device: string): Features {
  const has = (...names: OperatorName[]) => names.every((name) => hasOperator(name, device));
  return {
    packedLinear: has("mkldnn::_linear_pointwise", "mkldnn::_reorder_linear_weight"),
    packedConvolution: has("mkldnn::_convolution_pointwise", "mkldnn::_reorder_convolution_weight"),
    fusedAttention: has("scaled_dot_product_attention"),
  };
}
