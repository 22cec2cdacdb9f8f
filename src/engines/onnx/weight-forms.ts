// Weight formats: conversion of float32 weights to the forms that graphs in float16, 8 and 4 bits store.
import { floatToHalf, type ModelDtype } from "../../base/dtypes.ts";

export const onnxModelDtypes = ["fp32", "fp16", "q8", "q4"] as const satisfies readonly ModelDtype[];

/** Number formats in which ONNX Runtime can run a model. "fp16" stores float16 and computes in float32. "q8" has int8 weights with one
 *  scale a column, and activations quantised at run time. "q4" has 4-bit weights in blocks of 32, with convolutions in 8 bits. */
export type OnnxDtype = (typeof onnxModelDtypes)[number];

export const blockSize = 32;

/** A weight as a matrix of `outputs` rows: [out, in] of a linear layer, or [out, in, taps] of a convolution computed as a matrix product.
 *  There entry `tap · in + i` of a row is the weight of input i at that tap. */
export interface MatrixShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly taps: number;
}

/** The index in `values` of an entry of a row. */
function indexOf({ inputs, taps }: MatrixShape, row: number, column: number): number {
  return taps === 1 ? row * inputs + column : (row * inputs + (column % inputs)) * taps + Math.floor(column / inputs);
}

function largestMagnitude(values: Float32Array, { inputs, taps }: MatrixShape, row: number): number {
  let largest = 0;
  for (let i = row * inputs * taps; i < (row + 1) * inputs * taps; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}

/** float16, rounded to the nearest. */
export function halves(values: Float32Array): Uint8Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = floatToHalf(values[i]!);
  return new Uint8Array(out.buffer);
}

/** float32 [outputs]: the scale at which the largest weight of an output is ±127. */
export function columnScales(values: Float32Array, shape: MatrixShape): Uint8Array {
  return new Uint8Array(Float32Array.from({ length: shape.outputs }, (_, row) => largestMagnitude(values, shape, row) / 127 || 1).buffer);
}

/** int8 [inputs · taps, outputs], the right operand of an integer product. */
export function columns8(values: Float32Array, shape: MatrixShape): Uint8Array {
  const { outputs } = shape;
  const depth = shape.inputs * shape.taps;
  const out = new Int8Array(depth * outputs);
  for (let row = 0; row < outputs; row++) {
    const scale = largestMagnitude(values, shape, row) / 127 || 1;
    for (let column = 0; column < depth; column++) out[column * outputs + row] = Math.round(values[indexOf(shape, row, column)]! / scale);
  }
  return new Uint8Array(out.buffer);
}

const blocks = ({ inputs, taps }: MatrixShape) => Math.ceil((inputs * taps) / blockSize);

/** The scale at which the entry of largest magnitude in a block is −8. */
function blockScale(values: Float32Array, shape: MatrixShape, row: number, block: number): number {
  let extreme = 0;
  const end = Math.min((block + 1) * blockSize, shape.inputs * shape.taps);
  for (let column = block * blockSize; column < end; column++) {
    const value = values[indexOf(shape, row, column)]!;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  return extreme / -8 || 1;
}

/** float32 [outputs · blocks]: the scales that MatMulNBits takes. */
export function blockScales(values: Float32Array, shape: MatrixShape): Uint8Array {
  const count = blocks(shape);
  const scales = Float32Array.from({ length: shape.outputs * count }, (_, i) =>
    blockScale(values, shape, Math.floor(i / count), i % count),
  );
  return new Uint8Array(scales.buffer);
}

/** uint8 [outputs, blocks, 16]: two weights a byte, the first in the low four bits; 8 stands for zero. */
export function blocks4(values: Float32Array, shape: MatrixShape): Uint8Array {
  const count = blocks(shape);
  const depth = shape.inputs * shape.taps;
  const out = new Uint8Array((shape.outputs * count * blockSize) / 2);
  for (let row = 0; row < shape.outputs; row++) {
    for (let block = 0; block < count; block++) {
      const scale = blockScale(values, shape, row, block);
      for (let i = 0; i < blockSize; i++) {
        const column = block * blockSize + i;
        const level = column < depth ? Math.min(15, Math.max(0, Math.round(values[indexOf(shape, row, column)]! / scale) + 8)) : 8;
        out[((row * count + block) * blockSize + i) >> 1]! |= i % 2 === 0 ? level : level << 4;
      }
    }
  }
  return out;
}
