// Residual vector quantisation: each codebook quantises the residual of those before it.
import type { Ops } from "../../ops/ops.ts";

/** Codes of frames: x [batch, time, width], codebooks [stages, size, width] → [batch, stages, time] int32. Each stage takes the
 *  nearest entry by Euclidean distance (the first of equals) and passes the difference on. */
export function residualCodes<T>(ops: Ops<T>, x: T, codebooks: T): T {
  const stages = ops.fixedSize(codebooks, 0);
  let residual = ops.cast(x, "float32");
  const codes: T[] = [];
  for (let stage = 0; stage < stages; stage++) {
    const book = ops.squeeze(ops.slice(codebooks, 0, stage, stage + 1), 0); // [size, width]
    const nearest = nearestEntry(ops, residual, book); // [b, t]
    codes.push(ops.unsqueeze(nearest, 1));
    if (stage + 1 < stages) residual = ops.sub(residual, ops.gather(book, nearest));
  }
  return ops.concat(codes, 1);
}

/** The entry of `book` [size, width] nearest to each x [..., width] → [...] int32: argmin |x − c|², without the term |x|² that all entries share. */
export function nearestEntry<T>(ops: Ops<T>, x: T, book: T): T {
  const squares = ops.swapAxes(ops.sum(ops.mul(book, book), 1), 0, 1); // [1, size]
  return ops.argmin(ops.add(ops.matmul(x, ops.swapAxes(ops.mul(book, -2), 0, 1)), squares), -1);
}
