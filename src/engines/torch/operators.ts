// Operators: the signatures of libtorch's operators that this engine calls, under their names in ATen. Parameters have the names of the
// operator's schema and may end early: what is left out takes the schema's default. A test compares the table with the schemas.
import type { DType } from "../../base/dtypes.ts";
import type { TorchTensor } from "./tensor.ts";

type Tensor = TorchTensor;
type Tensors = readonly TorchTensor[];
type Integers = readonly number[];
type Unary = (self: Tensor) => Tensor;
type Binary = (self: Tensor, other: Tensor) => Tensor;
type WithScalar = (self: Tensor, other: number) => Tensor;
type Reduction = (self: Tensor, dim: Integers, keepdim?: boolean) => Tensor;

/** Operators whose result is one tensor. The namespace is `aten` where none is named. */
export interface TensorOperators {
  "add.Tensor": Binary;
  "add.Scalar": WithScalar;
  "sub.Tensor": Binary;
  "sub.Scalar": WithScalar;
  "mul.Tensor": Binary;
  "mul.Scalar": WithScalar;
  "div.Tensor": Binary;
  "div.Scalar": WithScalar;
  "pow.Tensor_Scalar": (self: Tensor, exponent: number) => Tensor;
  maximum: Binary;
  minimum: Binary;
  clamp_min: (self: Tensor, min: number) => Tensor;
  clamp_max: (self: Tensor, max: number) => Tensor;
  "lt.Tensor": Binary;
  "lt.Scalar": WithScalar;
  "eq.Tensor": Binary;
  "eq.Scalar": WithScalar;
  "where.self": (condition: Tensor, self: Tensor, other: Tensor) => Tensor;

  sqrt: Unary;
  exp: Unary;
  log: Unary;
  abs: Unary;
  sin: Unary;
  cos: Unary;
  tanh: Unary;
  sigmoid: Unary;
  relu: Unary;
  elu: Unary;
  gelu: (self: Tensor, approximate?: "none" | "tanh") => Tensor;

  sum: Unary;
  mean: Unary;
  "sum.dim_IntList": Reduction;
  "mean.dim": Reduction;
  amax: Reduction;
  argmin: (self: Tensor, dim?: number) => Tensor;
  argmax: (self: Tensor, dim?: number) => Tensor;
  "softmax.int": (self: Tensor, dim: number) => Tensor;
  linalg_vector_norm: Unary;

  matmul: Binary;
  linear: (input: Tensor, weight: Tensor, bias?: Tensor) => Tensor;
  baddbmm: (self: Tensor, batch1: Tensor, batch2: Tensor) => Tensor;
  conv1d: Convolution;
  conv2d: Convolution;
  "ostinato::conv_time": (x: Tensor, weight: Tensor, bias: Tensor | undefined, stride: number) => Tensor;
  layer_norm: (input: Tensor, normalizedShape: Integers, weight?: Tensor, bias?: Tensor, eps?: number) => Tensor;
  embedding: (weight: Tensor, indices: Tensor) => Tensor;
  dropout: (input: Tensor, p: number, train: boolean) => Tensor;
  scaled_dot_product_attention: (query: Tensor, key: Tensor, value: Tensor, attnMask?: Tensor) => Tensor;

  "transpose.int": (self: Tensor, dim0: number, dim1: number) => Tensor;
  unsqueeze: (self: Tensor, dim: number) => Tensor;
  "squeeze.dim": (self: Tensor, dim: number) => Tensor;
  reshape: (self: Tensor, shape: Integers) => Tensor;
  as_strided: (self: Tensor, size: Integers, stride: Integers, storageOffset?: number) => Tensor;
  unfold: (self: Tensor, dimension: number, size: number, step: number) => Tensor;
  "slice.Tensor": (self: Tensor, dim: number, start?: number, end?: number) => Tensor;
  cat: (tensors: Tensors, dim: number) => Tensor;
  stack: (tensors: Tensors, dim?: number) => Tensor;
  constant_pad_nd: (self: Tensor, pad: Integers, value?: number) => Tensor;
  reflection_pad1d: (self: Tensor, padding: Integers) => Tensor;

  "to.dtype": (self: Tensor, dtype: DType) => Tensor;
  contiguous: Unary;
  clone: Unary;
  detach: Unary;
  full: (size: Integers, fillValue: number, dtype: DType, layout: undefined, device: string) => Tensor;
  arange: (end: number, dtype: DType, layout: undefined, device: string) => Tensor;

  "mkldnn::_reorder_linear_weight": Unary;
  "mkldnn::_linear_pointwise": (
    X: Tensor,
    W: Tensor,
    B: Tensor | undefined,
    attr: Fused,
    scalars: Integers,
    algorithm: "none" | "",
  ) => Tensor;
  "mkldnn::_reorder_convolution_weight": (self: Tensor, padding: Integers, stride: Integers, dilation: Integers, groups: number) => Tensor;
  "mkldnn::_convolution_pointwise": (
    X: Tensor,
    W: Tensor,
    B: Tensor | undefined,
    padding: Integers,
    stride: Integers,
    dilation: Integers,
    groups: number,
    attr: Fused,
    scalars: Integers,
    algorithm: "none" | "",
  ) => Tensor;
}

/** An activation that oneDNN applies to a product's output in the same pass. */
type Fused = "none" | "gelu" | "relu" | "tanh";

type Convolution = (
  input: Tensor,
  weight: Tensor,
  bias?: Tensor,
  stride?: Integers,
  padding?: Integers,
  dilation?: Integers,
  groups?: number,
) => Tensor;

/** Operators whose result is a tuple or a list of tensors. */
export interface ListOperators {
  "lstm.input": (
    input: Tensor,
    hx: Tensors,
    params: Tensors,
    hasBiases: boolean,
    numLayers: number,
    dropout: number,
    train: boolean,
    bidirectional: boolean,
    batchFirst: boolean,
  ) => [output: Tensor, hidden: Tensor, cell: Tensor];
  "max.dim": (self: Tensor, dim: number) => [values: Tensor, indices: Tensor];
  "_foreach_norm.Scalar": (self: Tensors, ord: number) => Tensor[];
  _foreach_sqrt: (self: Tensors) => Tensor[];
}

/** Operators that change their first argument in place. */
export interface InPlaceOperators {
  copy_: (self: Tensor, src: Tensor) => void;
  "mul_.Tensor": (self: Tensor, other: Tensor) => void;
  "lerp_.Scalar": (self: Tensor, end: Tensor, weight: number) => void;
  "_foreach_mul_.Scalar": (self: Tensors, scalar: number) => void;
  "_foreach_add_.List": (self: Tensors, other: Tensors, alpha?: number) => void;
  "_foreach_add_.Scalar": (self: Tensors, scalar: number) => void;
  "_foreach_addcmul_.Scalar": (self: Tensors, tensor1: Tensors, tensor2: Tensors, value: number) => void;
  "_foreach_addcdiv_.Scalar": (self: Tensors, tensor1: Tensors, tensor2: Tensors, value: number) => void;
  _fused_adamw_: (
    self: Tensors,
    grads: Tensors,
    expAvgs: Tensors,
    expAvgSqs: Tensors,
    maxExpAvgSqs: Tensors,
    stateSteps: Tensors,
    lr: number,
    beta1: number,
    beta2: number,
    weightDecay: number,
    eps: number,
    amsgrad: boolean,
    maximize: boolean,
  ) => void;
}

/** The name of an operator in the table. */
export type OperatorName = keyof TensorOperators | keyof ListOperators | keyof InPlaceOperators;
