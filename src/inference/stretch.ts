// Stretch: the part of a long sequence that is still needed: rows are appended at its end and dropped at its start.

export interface Stretch {
  /** The row behind the last that has come. */
  readonly end: number;
  append(values: Float32Array): void;
  /** Rows start … end - 1 as one run, copied. They must have come and not been dropped. */
  cut(start: number, end: number): Float32Array;
  /** Rows before this one are no longer needed. */
  dropBefore(row: number): void;
}

/** An empty stretch of rows of `width` values. Memory is that of the rows between the last drop and the end, rounded up to whole appended
 *  parts. */
export function stretch(width: number): Stretch {
  const parts: { readonly from: number; readonly values: Float32Array }[] = [];
  let end = 0; // in values
  return {
    get end() {
      return end / width;
    },
    append(values) {
      parts.push({ from: end, values });
      end += values.length;
    },
    cut(startRow, endRow) {
      const [start, stop] = [startRow * width, endRow * width];
      if (start < (parts[0]?.from ?? end) || stop > end) throw new RangeError(`Rows ${startRow} to ${endRow} are not held.`);
      const out = new Float32Array(stop - start);
      for (const { from, values } of parts) {
        const first = Math.max(start, from);
        const last = Math.min(stop, from + values.length);
        if (first < last) out.set(values.subarray(first - from, last - from), first - start);
      }
      return out;
    },
    dropBefore(row) {
      while (parts[0] && parts[0].from + parts[0].values.length <= row * width) parts.shift();
    },
  };
}
