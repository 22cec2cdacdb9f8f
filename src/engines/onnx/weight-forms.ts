// Weight forms: how a float32 weight is stored for a graph of fewer bits, and how it is read back into one.
import { floatToHalf, type ModelDtype } from "../../base/dtypes.ts";

export const onnxDtypes = ["fp32", "fp16", "q8", "q4"] as const satisfies readonly ModelDtype[];

/** Number formats in which ONNX Runtime can run a model. "fp16" stores float16 and computes in float32. "q8" has int8 weights with one
 *  scale a column, and activations quantised at run time. "q4" has 4-bit weights in blocks of 32, with convolutions in 8 bits. */
export type OnnxDtype = (typeof onnxDtypes)[number];

export const blockSize = 32;

/** A weight as a matrix of `outputs` rows: a linear layer's [out, in], or a convolution's [out, in, taps] as a GEMM sees it,
 *  entry `tap · in + i` of a row being the weight of input i at that tap. */
export interface MatrixShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly taps: number;
}

/** The place in `values` of a row's entry. */
function place({ inputs, taps }: MatrixShape, row: number, column: number): number {
  return taps === 1 ? row * inputs + column : (row * inputs + (column % inputs)) * taps + Math.floor(column / inputs);
}

function largest(values: Float32Array, { inputs, taps }: MatrixShape, row: number): number {
  let top = 0;
  for (let i = row * inputs * taps; i < (row + 1) * inputs * taps; i++) top = Math.max(top, Math.abs(values[i]!));
  return top;
}

/** float16, rounded to nearest. */
export function halves(values: Float32Array): Uint8Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = floatToHalf(values[i]!);
  return new Uint8Array(out.buffer);
}

/** One scale an output, so that its largest weight is ±127. [outputs] float32. */
export function columnScales(values: Float32Array, shape: MatrixShape): Uint8Array {
  return new Uint8Array(Float32Array.from({ length: shape.outputs }, (_, row) => largest(values, shape, row) / 127 || 1).buffer);
}

/** int8 [inputs · taps, outputs]: what an integer product multiplies by. */
export function columns8(values: Float32Array, shape: MatrixShape): Uint8Array {
  const { outputs } = shape;
  const depth = shape.inputs * shape.taps;
  const out = new Int8Array(depth * outputs);
  for (let row = 0; row < outputs; row++) {
    const scale = largest(values, shape, row) / 127 || 1;
    for (let column = 0; column < depth; column++) out[column * outputs + row] = Math.round(values[place(shape, row, column)]! / scale);
  }
  return new Uint8Array(out.buffer);
}

const blocks = ({ inputs, taps }: MatrixShape) => Math.ceil((inputs * taps) / blockSize);

/** The scale of a block: its entry of largest magnitude becomes −8. */
function blockScale(values: Float32Array, shape: MatrixShape, row: number, block: number): number {
  let extreme = 0;
  const end = Math.min((block + 1) * blockSize, shape.inputs * shape.taps);
  for (let column = block * blockSize; column < end; column++) {
    const value = values[place(shape, row, column)]!;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  return extreme / -8 || 1;
}

/** float32 [outputs · blocks], for MatMulNBits. */
export function blockScales(values: Float32Array, shape: MatrixShape): Uint8Array {
  const count = blocks(shape);
  const scales = Float32Array.from({ length: shape.outputs * count }, (_, i) =>
    blockScale(values, shape, Math.floor(i / count), i % count),
  );
  return new Uint8Array(scales.buffer);
}

/** uint8 [outputs, blocks, 16]: two weights a byte, the first in the low half, 8 standing for zero. */
export function blocks4(values: Float32Array, shape: MatrixShape): Uint8Array {
  const count = blocks(shape);
  const depth = shape.inputs * shape.taps;
  const out = new Uint8Array((shape.outputs * count * blockSize) / 2);
  for (let row = 0; row < shape.outputs; row++) {
    for (let block = 0; block < count; block++) {
      const scale = blockScale(values, shape, row, block);
      for (let i = 0; i < blockSize; i++) {
        const column = block * blockSize + i;
        const level = column < depth ? Math.min(15, Math.max(0, Math.round(values[place(shape, row, column)]! / scale) + 8)) : 8;
        out[((row * count + block) * blockSize + i) >> 1]! |= i % 2 === 0 ? level : level << 4;
      }
    }
  }
  return out;
}
