// Strided tensors: copies views of a storage with any strides into dense row-major order.

/** The strides, in elements, of a dense row-major tensor. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** Whether a view with these strides is dense and row-major. Strides of axes of length 1 don't matter. */
export function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  const dense = denseStrides(shape);
  return shape.includes(0) || shape.every((size, axis) => size === 1 || strides[axis] === dense[axis]);
}

/** Number of elements of storage that a view spans, from its first element to its last. Strides are not negative. */
export function spanOf(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, axis) => last + (size - 1) * strides[axis]!, 1);
}

const unitArrays = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array } as const;

/** The view's elements as dense row-major bytes.
 *  storage: the bytes of its span (see `spanOf`), the view's first element first; itemBytes: size of an element;
 *  strides: in elements. A dense view is returned without a copy. The caller has checked that the span fits. */
export function toDense(storage: Uint8Array, itemBytes: 1 | 2 | 4 | 8, shape: readonly number[], strides: readonly number[]): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  if (isDense(shape, strides)) return storage.subarray(0, count * itemBytes);
  const aligned = storage.byteOffset % itemBytes === 0 ? storage : storage.slice();
  const Units = unitArrays[itemBytes];
  const from = new Units(aligned.buffer as ArrayBuffer, aligned.byteOffset, Math.floor(aligned.byteLength / itemBytes));
  const to = new Units(count);
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < count; i++) {
    to[i] = from[at]!;
    // Increment the index; the last axis varies fastest.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return new Uint8Array(to.buffer);
}
