// Row buffer: a sliding view of a long sequence. Rows are appended at the end and dropped at the start once they are no longer needed.

export interface RowBuffer {
  /** Rows appended so far, dropped ones included: the index that the next appended row gets. */
  readonly end: number;
  append(values: Float32Array): void;
  /** A copy of rows start … end - 1, [end - start, width]. @throws RangeError for rows that were dropped or are still to come. */
  cut(start: number, end: number): Float32Array;
  /** Declares that rows before this one are no longer needed. */
  dropBefore(row: number): void;
}

/** An empty buffer of rows of `width` values. It holds whole appended chunks: those that contain a row since the last drop. */
export function rowBuffer(width: number): RowBuffer {
  const chunks: { readonly from: number; readonly values: Float32Array }[] = [];
  let end = 0; // in values
  return {
    get end() {
      return end / width;
    },
    append(values) {
      chunks.push({ from: end, values });
      end += values.length;
    },
    cut(startRow, endRow) {
      const [start, stop] = [startRow * width, endRow * width];
      if (start < (chunks[0]?.from ?? end) || stop > end) throw new RangeError(`Rows ${startRow} to ${endRow} are not held.`);
      const out = new Float32Array(stop - start);
      for (const { from, values } of chunks) {
        const first = Math.max(start, from);
        const last = Math.min(stop, from + values.length);
        if (first < last) out.set(values.subarray(first - from, last - from), first - start);
      }
      return out;
    },
    dropBefore(row) {
      while (chunks[0] && chunks[0].from + chunks[0].values.length <= row * width) chunks.shift();
    },
  };
}
