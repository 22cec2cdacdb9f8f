// Weight formats: conversion of float32 weights to the forms that graphs in float16, 8 and 4 bits store.
import { floatToHalf, type ModelDtype } from "../../base/dtypes.ts";
import { FormatError } from "../../base/errors.ts";

export const onnxModelDtypes = ["fp32", "fp16", "q8", "q4"] as const satisfies readonly ModelDtype[];

/** Number formats in which ONNX Runtime can run a model. "fp16" stores float16 and computes in float32. "q8" has int8 weights with one
 *  scale a column, and activations quantised at run time. "q4" has 4-bit weights in blocks of 32, with convolutions in 8 bits. */
export type OnnxDtype = (typeof onnxModelDtypes)[number];

export const blockSize = 32;

/** A weight as a matrix of `outputs` rows, each stored contiguously: [out, in] of a linear layer, or [out, in, taps] of a convolution. */
export interface MatrixShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly taps: number;
}

/** float16, rounded to the nearest. */
export function halves(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = floatToHalf(values[i]!);
  return out;
}

/** A matrix in 8 bits. */
export interface Quantised8 {
  /** int8, in the layout of the float32 values: each divided by the scale of its row and rounded to the nearest. */
  readonly levels: Int8Array;
  /** float32 [outputs]. The largest weight of a row is ±127 times its scale, or less (`saturating`). A row of zeros has scale 1. */
  readonly scales: Float32Array;
}

export interface Quantise8Options {
  /** Whether products of uint8 and int8 are added in pairs of 16 bits that saturate, as on x86 without VNNI. Scales are then larger, so that
   *  no pair of neighbouring weights of one sign exceeds 128: 255 · 128 fits. The largest weight of a row stays below 127. Default false. */
  readonly saturating?: boolean;
}

/** Quantises the rows of a matrix. @param name of the weight, for errors. @throws FormatError for weights that are NaN or infinite. */
export function quantise8(
  name: string,
  values: Float32Array,
  shape: MatrixShape,
  { saturating = false }: Quantise8Options = {},
): Quantised8 {
  const length = shape.inputs * shape.taps;
  const levels = new Int8Array(values.length);
  const scales = new Float32Array(shape.outputs).fill(1);
  for (let start = 0, row = 0; row < shape.outputs; row++, start += length) {
    let largest = largestMagnitude(name, values, start, start + length);
    if (largest === 0) continue;
    if (saturating) largest = largestPairSum(values, start, shape);
    scales[row] = largest / 127;
    const perScale = 127 / largest;
    // Adding and subtracting 1.5 · 2^52 rounds a number to an integer, several times as fast as Math.round.
    for (let i = start; i < start + length; i++) levels[i] = values[i]! * perScale + roundingOffset - roundingOffset;
  }
  return { levels, scales };
}

/** The largest sum of two weights of one sign that the integer product multiplies side by side: entries 2j and 2j + 1 of the row in the order
 *  [taps, inputs]. A weight without such a neighbour counts alone. */
function largestPairSum(values: Float32Array, start: number, { inputs, taps }: MatrixShape): number {
  const entry = (k: number) => (k < inputs * taps ? values[start + (k % inputs) * taps + Math.floor(k / inputs)]! : 0);
  let largest = 0;
  for (let k = 0; k < inputs * taps; k += 2) {
    const [a, b] = taps === 1 ? [values[start + k]!, k + 1 < inputs ? values[start + k + 1]! : 0] : [entry(k), entry(k + 1)];
    largest = Math.max(largest, Math.max(a, 0) + Math.max(b, 0), -Math.min(a, 0) - Math.min(b, 0));
  }
  return largest;
}

const roundingOffset = 1.5 * 2 ** 52;

/** The largest magnitude in a range of values, found in their bits: there NaN and infinity are larger than every number. */
function largestMagnitude(name: string, values: Float32Array, start: number, end: number): number {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  let largest = 0;
  for (let i = start; i < end; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    if (magnitude > largest) largest = magnitude;
  }
  if (largest >= infinityBits) throw notFinite(name, values.subarray(start, end), start);
  scratchBits[0] = largest;
  return scratch[0]!;
}

const infinityBits = 0x7f800000;
const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

function notFinite(name: string, values: Float32Array, start: number): FormatError {
  const index = values.findIndex((value) => !Number.isFinite(value));
  return new FormatError(
    `The weight ${name} has the value ${values[index]} at index ${start + index}, which can't be quantised. The checkpoint is damaged or its training diverged; use another one.`,
  );
}

/** float32 [outputs · blocks]: the scales that MatMulNBits takes. The entry of largest magnitude in a block becomes −8.
 *  @param depth entries of a row. @throws FormatError for weights that are NaN or infinite. */
export function blockScales(name: string, values: Float32Array, depth: number): Float32Array {
  largestMagnitude(name, values, 0, values.length);
  const scales = new Float32Array((values.length / depth) * Math.ceil(depth / blockSize));
  forEachBlock(values, depth, (block, start, end) => {
    let extreme = 0;
    for (let i = start; i < end; i++) if (Math.abs(values[i]!) > Math.abs(extreme)) extreme = values[i]!;
    scales[block] = extreme / -8 || 1;
  });
  return scales;
}

/** uint8 [outputs, blocks, 16]: two weights a byte, the first in the low four bits; 8 stands for zero.
 *  @throws FormatError for weights that are NaN or infinite. */
export function blocks4(name: string, values: Float32Array, depth: number): Uint8Array {
  const scales = blockScales(name, values, depth);
  const out = new Uint8Array((scales.length * blockSize) / 2).fill(0x88);
  forEachBlock(values, depth, (block, start, end) => {
    for (let i = start; i < end; i++) {
      const level = Math.min(15, Math.max(0, Math.round(values[i]! / scales[block]!) + 8));
      const at = (block * blockSize + i - start) >> 1;
      out[at] = (i - start) % 2 === 0 ? (out[at]! & 0xf0) | level : (out[at]! & 0x0f) | (level << 4);
    }
  });
  return out;
}

/** Calls `visit` with each block of each row: its number, and where it starts and ends in `values`. */
function forEachBlock(values: Float32Array, depth: number, visit: (block: number, start: number, end: number) => void): void {
  let block = 0;
  for (let row = 0; row < values.length; row += depth) {
    for (let start = row; start < row + depth; start += blockSize) visit(block++, start, Math.min(start + blockSize, row + depth));
  }
}
